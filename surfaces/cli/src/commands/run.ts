import type { CommandSpec } from '../command.ts';

export const run: CommandSpec = {
  usage: 'run <command...>',
  summary: 'Start an agent with a name and rights of its own',
  about: `The agent gets a key of its own for this run: narrower than this device, and expiring. It asks
for secrets and memory through \`caponier mcp\`, and never holds a key. This is no sandbox:
what the agent can do as your user, it still can.`,
  options: [
    ['--as <name>', 'what it is called (default: the name of the command)'],
    ['--hours <n>', 'how long its rights last (default 12)'],
  ],
  lists: [
    ['--op <operation>', 'what it may ask for, instead of the usual (several times)'],
    ['--resource <pattern>', 'and of which resources, such as github or notes/* (several times)'],
  ],
  examples: ['caponier run claude', 'caponier run --as reviewer --op secret.use --resource github -- node review.js'],
  passThrough: true,
  action: async ({ args, options }) => {
    const [{ basename }, { fail }, { runAgent }, { hereDaemon }, { nameOf }] = await Promise.all([
      import('node:path'),
      import('@caponier/protocol'),
      import('@caponier/daemon'),
      import('../home/context.ts'),
      import('../home/device-name.ts'),
    ]);
    const { home, client } = hereDaemon();
    const agent = nameOf(
      options.as ??
        basename(args[0]!)
          .replace(/\.[a-z]+$/, '')
          .toLowerCase(),
      '--as',
    );
    const hours = options.hours === undefined ? undefined : Number(options.hours);
    if (hours !== undefined && !(hours > 0 && hours <= 168)) throw fail('cli.usage', '--hours: up to 168');
    const ops: string[] | undefined = options.op;
    process.exitCode = await runAgent({
      client,
      agent,
      command: args as [string, ...string[]],
      env: process.env,
      runFolder: home.folder('run').path,
      ...(ops && { ops, classes: [...new Set(ops.map((op) => op.split('.')[0]!))] }),
      ...(options.resource && { resources: options.resource }),
      ...(hours !== undefined && { lives: Math.round(hours * 3600) }),
    });
  },
};
