import type { CommandSpec } from '../command.ts';

export const up: CommandSpec = {
  usage: 'up',
  summary: 'Make an owner here, or start what is stopped',
  about: `The first time it makes an owner, its services and this device; it asks nothing. On a
machine that joined, it starts the daemon. Everything goes on in the background.
A ticket lets in whoever has it: with --relay - it is in no list of processes, and is asked for or piped in.`,
  options: [
    ['--host <address>', 'where others reach this machine (default: its address in the private network)'],
    ['--bind <address>', 'where services listen, if elsewhere: 0.0.0.0 behind address translation'],
    ['--port-base <n>', 'first of the ports (default: any free ones, kept from then on)'],
    ['--name <name>', 'what this device is called (default: the name of the machine)'],
    ['--relay <address#ticket>', 'use a relay of somebody else, who gave you this; - reads it from standard input'],
    ['--passphrase', 'ask for a passphrase for the owner key'],
    ['--foreground', 'stay, log to standard error instead of logs/, and stop everything on Ctrl-C'],
    ['--allow-root', 'run as root, where there is no other user'],
  ],
  examples: [
    'caponier up',
    'caponier up --host 127.0.0.1 --name laptop',
    'caponier up --relay - < ticket.txt',
    "caponier up --relay 'https://relay.example:7102#eyJ…'",
  ],
  action: async (run) => (await import('../up/up.ts')).runUp(run),
};
