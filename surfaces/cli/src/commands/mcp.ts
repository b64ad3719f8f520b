import type { CommandSpec } from '../command.ts';

export const mcp: CommandSpec = {
  usage: 'mcp',
  summary: 'Serve an agent’s tools over standard input and output',
  about: `For the configuration of an agent that \`caponier run\` started: it gives the tools whoami,
secret_use, memory_get and send_message, and holds no key.`,
  examples: ['caponier mcp'],
  action: async () => {
    const [{ serveStdio }, { version }] = await Promise.all([import('@caponier/mcp'), import('../version.ts')]);
    await serveStdio(process.env, version);
  },
};
