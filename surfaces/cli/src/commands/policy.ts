import type { CommandSpec } from '../command.ts';

const load = () => import('../owner/policy.ts');

export const policy: CommandSpec = {
  usage: 'policy',
  summary: 'Show, check and set the policy that the gate decides by',
  examples: ['caponier policy show', 'caponier policy check my.cedar', 'caponier policy set my.cedar'],
  commands: [
    {
      usage: 'show',
      summary: 'Print the policy as this machine last set it',
      examples: ['caponier policy show > my.cedar'],
      action: async (run) => (await load()).showPolicy(run),
    },
    {
      usage: 'check <file>',
      summary: 'Say whether a policy would be taken; changes nothing',
      examples: ['caponier policy check my.cedar'],
      action: async (run) => (await load()).checkPolicy(run),
    },
    {
      usage: 'set <file>',
      summary: 'Sign a policy; it is in force from then on',
      options: [['--name <name>', 'what it is called (default: the name of the file)']],
      examples: ['caponier policy set my.cedar'],
      action: async (run) => (await load()).setPolicy(run),
    },
  ],
};
