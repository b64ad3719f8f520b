import type { CommandSpec } from '../command.ts';

export const verify: CommandSpec = {
  usage: 'verify <capsule>',
  summary: 'Check a capsule against a trust file, here and offline',
  about: `It believes nothing that the capsule says of itself. It needs no owner, no home and no network,
and ends with what is not proven.`,
  options: [['--trust <file>', 'the owner’s trust file, from elsewhere']],
  examples: ['caponier verify request.capsule --trust owner.trust'],
  action: async (run) => (await import('../log/verify.ts')).runVerify(run),
};
