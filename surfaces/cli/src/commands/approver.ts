import type { CommandSpec } from '../command.ts';

const load = () => import('../owner/devices.run.ts');

export const approver: CommandSpec = {
  usage: 'approver',
  summary: 'List who may say yes, and take that right away',
  examples: ['caponier approver list', 'caponier approver revoke laptop'],
  commands: [
    {
      usage: 'list',
      summary: 'List who may say yes to asks, and freeze',
      examples: ['caponier approver list'],
      action: async (run) => (await load()).listApprovers(run),
    },
    {
      usage: 'revoke <name>',
      summary: 'It stays a device, and no longer says yes',
      examples: ['caponier approver revoke laptop'],
      action: async (run) => (await load()).revokeApprover(run),
    },
  ],
};
