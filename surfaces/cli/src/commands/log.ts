import type { CommandSpec } from '../command.ts';

const load = () => import('../log/log.ts');

export const log: CommandSpec = {
  usage: 'log',
  summary: 'Show what was asked for and what came of it; make proof of it',
  options: [['--limit <n>', 'at most so many (default 20)']],
  examples: ['caponier log', 'caponier log capsule 7fQ2… -o request.capsule'],
  action: async (run) => (await load()).showLog(run),
  commands: [
    {
      usage: 'capsule <request>',
      summary: 'Write one file with everything a stranger needs to check a request',
      options: [['-o, --output <file>', 'where it goes']],
      examples: ['caponier log capsule 7fQ2… -o request.capsule'],
      action: async (run) => (await load()).writeCapsule(run),
    },
    {
      usage: 'trust',
      summary: 'Write the trust file: what the stranger must have from elsewhere',
      options: [['-o, --output <file>', 'where it goes']],
      examples: ['caponier log trust -o owner.trust'],
      action: async (run) => (await load()).writeTrust(run),
    },
  ],
};
