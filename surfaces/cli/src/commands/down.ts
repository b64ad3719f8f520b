import type { CommandSpec } from '../command.ts';

export const down: CommandSpec = {
  usage: 'down',
  summary: 'Stop the services and the daemon of this home',
  examples: ['caponier down'],
  action: async ({ output }) => {
    const { existsSync } = await import('node:fs');
    const { homePath, openHome } = await import('@caponier/host/home');
    const { stopAll } = await import('../up/start.ts');
    const { startProgress } = await import('../terminal/progress.ts');
    const path = homePath(process.env);
    const progress = startProgress('stopping');
    const stopped = existsSync(path) && (await stopAll(openHome(path)).finally(() => progress.stop()));
    progress.stop();
    output.line(stopped ? 'Stopped. Nothing is lost: `caponier up` starts it again.' : 'Nothing was running here.');
    output.document({ stopped });
  },
};
