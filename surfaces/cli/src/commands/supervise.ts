import type { CommandSpec } from '../command.ts';

export const supervise: CommandSpec = {
  usage: 'supervise',
  summary: 'Keep the services and the daemon of this home running (what `up` starts)',
  options: [['--allow-root', 'run as root, where there is no other user']],
  examples: ['caponier supervise'],
  action: async ({ options }) => {
    const [{ hereIdentity }, { runSupervisor }] = await Promise.all([
      import('../home/context.ts'),
      import('../up/supervisor.ts'),
    ]);
    await runSupervisor(hereIdentity().home, { allowRoot: options.allowRoot === true, log: 'file' });
  },
};
