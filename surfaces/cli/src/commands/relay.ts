import type { CommandSpec, Run } from '../command.ts';
import { relayLists, relayOptions, serviceOptions } from '../services/flags.ts';
import { needs, run } from './services.ts';

export const relay: CommandSpec = {
  usage: 'relay',
  summary: 'Carry sealed mail and streams between devices',
  about: `Without a command it runs the service. ${needs}
Its own limits are --limit name=value, or CAPONIER_RELAY_MAIL_PER_MINUTE and so on.`,
  options: [...relayOptions, ...serviceOptions],
  lists: relayLists,
  examples: [
    'caponier relay --port 7100',
    'caponier relay --host 0.0.0.0 --admission ticket --limit mailPerMinute=600',
    'caponier relay --show-key',
  ],
  action: async ({ options, output }: Run) => {
    const { composeRelay, relayVariables } = await import('../services/relay.ts');
    await run('relay', options, output, async () => composeRelay, relayVariables);
  },
  commands: [
    {
      usage: 'status',
      summary: 'What the relay of this home carries, and what it turned away',
      about: 'As the user that runs the relay; as another, name its --metrics-port.',
      options: [['--metrics-port <n>', 'ask there, instead of the socket in the home']],
      examples: ['caponier relay status', 'caponier relay status --metrics-port 9464 --json'],
      action: async (given) => (await import('../relay/status.ts')).showRelayStatus(given),
    },
    {
      usage: 'limits',
      summary: 'Every limit of the relay and its listener, its variable, and the value in force',
      about: `Asks the relay that runs in this home, or the one at --metrics-port. Where none runs, or with --limit: values as
the variables of this terminal and --limit would make them. The first line says which.`,
      options: [['--metrics-port <n>', 'ask there, instead of the socket in the home']],
      lists: [['--limit <name=value>', 'as for the relay']],
      examples: ['caponier relay limits', 'caponier relay limits --limit connections=50000'],
      action: async (given) => (await import('../relay/limits.ts')).showRelayLimits(given),
    },
    {
      usage: 'ticket',
      summary: 'Let an owner in whom the relay does not know yet',
      about: `Signed with the owner key of this home, which has to be an operator of the deployment.
Codes of \`caponier add\` carry tickets by themselves: this is for whoever comes without one. They give
what it prints to \`caponier up --relay -\`. With several uses, the owner who has it passes it on in codes for contacts.`,
      options: [
        ['--uses <n>', 'owners it lets in (default 1)'],
        ['--days <n>', 'days it is good for (default 7)'],
      ],
      examples: ['caponier relay ticket', 'caponier relay ticket --uses 20 --days 1'],
      action: async (given) => (await import('../relay/ticket.ts')).makeTicket(given),
    },
    {
      usage: 'backup <folder>',
      summary: 'Copy what the relay needs to start elsewhere, while it runs',
      about: `Into a folder that is not there yet: keys, certificate, deployment and a whole copy of the database.
It holds secrets. To restore it, make it the CAPONIER_HOME of a relay that is stopped.`,
      examples: ['caponier relay backup /var/backups/caponier/monday'],
      action: async (given) => (await import('../relay/backup.ts')).backUp(given),
    },
  ],
};
