import type { CommandSpec } from '../command.ts';

const load = () => import('../secrets/secrets.ts');

export const secret: CommandSpec = {
  usage: 'secret',
  summary: 'Keep secrets, and use them without handing them out',
  examples: ['caponier secret put github --host api.github.com', 'caponier secret list'],
  commands: [
    {
      usage: 'put <name>',
      summary: 'Keep a secret, for calls to these hosts only',
      about: 'The value is typed without an echo, or comes from standard input: never an argument.',
      options: [['--allow-private', 'the hosts may point to private addresses']],
      lists: [['--host <host>', 'where it may go: host, host:port, or http://127.0.0.1:port (several times)']],
      examples: ['caponier secret put github --host api.github.com < token.txt'],
      action: async (run) => (await load()).putSecret(run),
    },
    {
      usage: 'use <name>',
      summary: 'Make one call with a secret in it',
      about: '{{secret}} in a header or the body is where it goes.',
      options: [
        ['--url <url>', 'where the call goes'],
        ['--method <method>', 'GET, HEAD, POST, PUT, PATCH or DELETE (default GET)'],
        ['--body <text>', 'what is sent'],
        ['--purpose <text>', 'why, for the card and the log'],
      ],
      lists: [['--header <name: value>', 'a header (several times; default authorization: Bearer {{secret}})']],
      examples: ['caponier secret use github --url https://api.github.com/user --purpose "who am I"'],
      action: async (run) => (await load()).useSecret(run),
    },
    {
      usage: 'reveal <name>',
      summary: 'Show a secret, sealed to this device on its way',
      options: [['--purpose <text>', 'why, for the card and the log']],
      examples: ['caponier secret reveal github --purpose "moving to another vault"'],
      action: async (run) => (await load()).revealSecret(run),
    },
    {
      usage: 'list [beginning]',
      summary: 'List names and hosts of secrets; values stay where they are',
      examples: ['caponier secret list', 'caponier secret list git'],
      action: async (run) => (await load()).listSecrets(run),
    },
    {
      usage: 'delete <name>',
      summary: 'Forget a secret',
      examples: ['caponier secret delete github'],
      action: async (run) => (await load()).deleteSecret(run),
    },
  ],
};
