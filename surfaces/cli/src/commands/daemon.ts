import type { CommandSpec } from '../command.ts';

export const daemon: CommandSpec = {
  usage: 'daemon',
  summary: 'Run the daemon of this device alone, in the foreground',
  about: 'It holds the keys of this device, and everything networked goes through it.',
  options: [['--allow-root', 'run as root, where there is no other user']],
  examples: ['caponier daemon'],
  action: async ({ options, output }) => {
    const [{ createLog, refuseRoot, systemClock }, { createDaemon }, { hereIdentity }, { untilAsked }] =
      await Promise.all([
        import('@caponier/host'),
        import('@caponier/daemon'),
        import('../home/context.ts'),
        import('../services/signals.ts'),
      ]);
    refuseRoot({ allowRoot: options.allowRoot === true });
    const { home } = hereIdentity();
    const log = createLog({ service: 'daemon', clock: systemClock });
    const running = await createDaemon({ home, log });
    if (process.send) process.send({ ready: 'daemon', url: null });
    output.line(`daemon listens on ${running.socketPath}`);
    output.item({ ready: 'daemon', socket: running.socketPath });
    await untilAsked();
    await running.close();
    if (process.connected) process.disconnect();
  },
};
