import type { CommandSpec } from '../command.ts';
import { serviceOptions } from '../services/flags.ts';
import { needs, serveMemory } from './services.ts';

const load = () => import('../secrets/memory.ts');

export const memory: CommandSpec = {
  usage: 'memory',
  summary: 'Put, get and search what your agents remember',
  about: `Without a command it runs the service, as \`up\` does. ${needs}`,
  options: [...serviceOptions, ['--class <class>', 'memory, or config: the rules that agents are governed by']],
  examples: ['caponier memory put notes/release "ship on fridays, never"', 'caponier memory --port 7105'],
  action: ({ options, output }) => serveMemory(options, output),
  commands: [
    {
      usage: 'put <place> [text...]',
      summary: 'Write an entry: namespace/key; without text it reads standard input',
      examples: ['caponier memory put notes/release "ship on fridays, never"'],
      action: async (run) => (await load()).putMemory(run),
    },
    {
      usage: 'get <place>',
      summary: 'Read an entry',
      options: [['--version <n>', 'as it was then']],
      examples: ['caponier memory get notes/release'],
      action: async (run) => (await load()).getMemory(run),
    },
    {
      usage: 'search <query...>',
      summary: 'Find entries that have all these words',
      options: [
        ['--in <beginning>', 'only where namespace/key begins so'],
        ['--limit <n>', 'at most so many (default 20)'],
      ],
      examples: ['caponier memory search fridays', 'caponier memory search ship --in notes/'],
      action: async (run) => (await load()).searchMemory(run),
    },
  ],
};
