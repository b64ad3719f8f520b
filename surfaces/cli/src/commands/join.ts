import type { CommandSpec } from '../command.ts';

export const join: CommandSpec = {
  usage: 'join <code...>',
  summary: 'Join with a code that `add` printed elsewhere',
  about: `The code is the whole link in quotes, or its twelve words with --relay. Nothing is stored
before both ends said yes to the same safety number.`,
  options: [
    ['--name <name>', 'what this device is called; for a contact, what you call them'],
    ['--device <name>', 'what this device is called (default: the name of the machine)'],
    ['--relay <url>', 'where the code waits, for twelve words'],
    ['--contact', 'the twelve words are a contact’s: words alone do not say'],
    ['--pin <hash>', 'the pin of that relay’s certificate, where it is its own'],
    ['--yes', 'do not ask: the safety number was compared some other way'],
    ['--allow-root', 'run as root, where there is no other user'],
  ],
  examples: ["caponier join 'https://192.168.1.7:40123/#AQID…' --name box"],
  action: async (run) => (await import('../joining/join.ts')).runJoin(run),
};
