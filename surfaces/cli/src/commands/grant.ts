import type { CommandSpec } from '../command.ts';

const load = () => import('../owner/grants.ts');

export const grant: CommandSpec = {
  usage: 'grant',
  summary: 'Say what may be asked for, by whom, and how much',
  examples: ['caponier grant list', 'caponier grant add --op memory.get --resource "notes/*"'],
  commands: [
    {
      usage: 'list',
      summary: 'List grants in force',
      examples: ['caponier grant list'],
      action: async (run) => (await load()).listGrants(run),
    },
    {
      usage: 'add',
      summary: 'Allow operations on resources',
      about: 'The gate decides by policy and approvals, the broker by the grant and its ceilings alone.',
      options: [
        ['--label <text>', 'what it is called in lists'],
        ['--contact <name>', 'for a contact (default: your own agents and devices)'],
        ['--broker', 'the broker decides, without policy'],
        ['--per-hour <n>', 'at most so many uses an hour'],
        ['--per-day <n>', 'at most so many uses a day'],
        ['--total <n>', 'at most so many uses at all'],
        ['--approvals <n>', 'yeses that each use needs (default 0)'],
        ['--expires <time>', 'such as 12h or 90d (default: never)'],
        ['--purpose <text>', 'what it is for'],
      ],
      lists: [
        ['--op <operation>', 'such as secret.use (several times, of one class)'],
        ['--resource <pattern>', 'such as github or notes/* (several times; default *)'],
        ['--agent <name>', 'such as claude@box or *@* (several times)'],
        ['--device <name>', 'a device asking for its person, or * (several times)'],
      ],
      examples: [
        'caponier grant add --op memory.get --op memory.search --resource "notes/*" --agent "*@*"',
        'caponier grant add --op secret.use --resource github --agent claude@box --per-day 20 --expires 30d',
      ],
      action: async (run) => (await load()).addGrant(run),
    },
    {
      usage: 'revoke <grant>',
      summary: 'Take a grant back',
      examples: ['caponier grant revoke Yk3vO1_2aa11'],
      action: async (run) => (await load()).revokeGrant(run),
    },
  ],
};
