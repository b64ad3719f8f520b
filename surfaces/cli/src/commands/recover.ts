import type { CommandSpec } from '../command.ts';

export const recover: CommandSpec = {
  usage: 'recover',
  summary: 'Make 24 words for a bad day, or use them',
  about: `Without a flag it asks for the 24 words and makes a new owner key on this machine; the old one
is worth nothing from then on.`,
  options: [
    ['--new', 'make the words; they are shown once'],
    ['--phrase-stdin', 'read the words from standard input'],
  ],
  examples: ['caponier recover --new', 'caponier recover', 'caponier recover --phrase-stdin < words.txt'],
  action: async (run) => (await import('../owner/recover.ts')).runRecover(run),
};
