import type { CommandSpec } from '../command.ts';

export const add: CommandSpec = {
  usage: 'add',
  summary: 'Print a code with which another machine or person joins',
  about: `The code is good for ten minutes and for one. Both ends show a safety number: compare it,
then say yes on both. Without a flag the new device is a member: yours, to be reached.`,
  options: [
    ['--controller', 'a device that may open shells on your members'],
    ['--approver', 'a device whose person says yes to asks, and may freeze'],
    ['--contact', 'somebody else, with an owner of their own'],
    ['--name <name>', 'what it is called here'],
    ['--words', 'print the code as twelve words, too'],
    ['--yes', 'do not ask: the safety number was compared some other way'],
  ],
  examples: ['caponier add', 'caponier add --approver --name phone', 'caponier add --contact --name bob'],
  action: async (run) => (await import('../joining/add.ts')).runAdd(run),
};
