import type { CommandSpec } from '../command.ts';

export const asks: CommandSpec = {
  usage: 'asks',
  summary: 'Show what waits for your yes, and answer it',
  options: [
    ['--approve <card>', 'say yes: number in the list, or the beginning of its id'],
    ['--deny <card>', 'say no'],
    ['--watch', 'go on showing new ones'],
  ],
  examples: ['caponier asks', 'caponier asks --approve 1', 'caponier asks --watch'],
  action: async (run) => (await import('../asks/asks.ts')).runAsks(run),
};
