import type { CommandSpec } from '../command.ts';

export const daemon: CommandSpec = {
  usage: 'daemon',
  summary: 'Run the daemon of this device alone, in the foreground',
  about: 'It holds the keys of this device, and everything networked goes through it.',
  options: [['--allow-root', 'run as root, where there is no other user']],
  examples: ['caponier daemon'],
  action: async ({ options, output }) => {
    const [
      { createLog, refuseRoot, systemClock },
      { createDaemon },
      { hereDaemon },
      { endAtOnce, untilAsked },
      { servePage },
    ] = await Promise.all([
      import('@caponier/host'),
      import('@caponier/daemon'),
      import('../home/context.ts'),
      import('../services/signals.ts'),
      import('../web/serve.ts'),
    ]);
    const allowRoot = options.allowRoot === true;
    refuseRoot({ allowRoot });
    const here = hereDaemon();
    const { home } = here;
    const log = createLog({ service: 'daemon', clock: systemClock });
    const running = await createDaemon({ home, log });
    const page = await servePage(here, { log, allowRoot });
    if (process.send) process.send({ ready: 'daemon', url: null });
    output.line(`daemon listens on ${running.socketPath}`);
    output.item({ ready: 'daemon', socket: running.socketPath });
    await untilAsked();
    endAtOnce();
    await page?.close();
    await running.close();
    if (process.connected) process.disconnect();
  },
};
