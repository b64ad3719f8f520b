import type { CommandSpec } from '../command.ts';

export const shell: CommandSpec = {
  usage: 'shell <device> [command...]',
  summary: 'Open a shell on one of your devices, or run a command there',
  about: `End to end through the relay; only controllers of the same owner get in. A command goes to
the login shell over there, and its exit code comes back. Enter ~ . hangs up.`,
  options: [['--no-tty', 'no terminal over there, even from a terminal here']],
  examples: ['caponier shell box', 'caponier shell box -- uname -a'],
  passThrough: true,
  action: async (run) => (await import('../shell/shell.ts')).runShell(run),
};
