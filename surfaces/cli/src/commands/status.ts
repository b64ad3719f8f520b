import type { CommandSpec } from '../command.ts';

export const status: CommandSpec = {
  usage: 'status',
  summary: 'Show devices, contacts, services, and what to mind',
  examples: ['caponier status', 'caponier status --json'],
  action: async (run) => (await import('../status/status.ts')).runStatus(run),
};
