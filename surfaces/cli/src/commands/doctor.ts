import type { CommandSpec } from '../command.ts';

export const doctor: CommandSpec = {
  usage: 'doctor',
  summary: 'Check this home, its processes, and the services it uses',
  examples: ['caponier doctor'],
  action: async (run) => (await import('../status/doctor.ts')).runDoctor(run),
};
