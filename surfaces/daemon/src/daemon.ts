import { userInfo } from 'node:os';
import { crypto } from '@caponier/crypto';
import { systemClock, systemRandom } from '@caponier/host';
import { fail, seedSigner } from '@caponier/protocol';
import { createDevice, createTransport, systemWait } from '@caponier/sdk';
import { deviceSeeds, readIdentity, socketFile } from './identity.ts';
import { serveLocal } from './local/server.ts';
import { spawnShell } from './shell/process.ts';
import { serveShell } from './shell/serve.ts';
import { openDeviceStore } from './state/key-value.ts';
import type { Daemon, DaemonOptions } from './types.ts';

/** The device's database, in the folder `data` of the home. */
const storeFile = 'device.db';

/**
 * Everything networked of this device: mail, channels, requests, and the shells that others open here. One runs per home.
 * Throws `cli.no_owner`, `host.locked`, `store.*`.
 */
export async function createDaemon({ home, log }: DaemonOptions): Promise<Daemon> {
  const identity = readIdentity(home);
  if (!identity) throw fail('cli.no_owner');
  const lock = home.lock('daemon');
  const { seed, boxSeed } = deviceSeeds(home);
  const store = await openDeviceStore(home.folder('data').file(storeFile));
  const transport = createTransport();
  const device = await createDevice({
    identity: { owner: identity.owner, signer: seedSigner(seed), box: crypto.x25519.keyPair(boxSeed) },
    start: identity.start,
    store,
    transport,
    clock: systemClock,
    random: systemRandom,
    wait: systemWait,
    onAlarm: () => log.error('alarm.raised'),
    onTrouble: (where, code) => log.warn('device.trouble', { where, code }),
  });

  const shells = new Set<Promise<void>>();
  device.channels.accept(
    'shell',
    (_purpose, peer) => {
      // Enrolled, of this owner and fresh already; what is left is the role (design section 6).
      if (peer.owner !== identity.owner || peer.role !== 'controller') throw fail('shell.not_permitted');
    },
    (channel) => {
      log.event('shell.opened', { peer: channel.peer.device });
      const { shell, homedir } = userInfo();
      const serving = serveShell(channel, (start) =>
        spawnShell({ ...start, shell: shell ?? '/bin/sh', cwd: homedir, env: shellEnvironment(identity.name) }),
      ).finally(() => {
        shells.delete(serving);
        log.event('shell.closed', { peer: channel.peer.device });
      });
      shells.add(serving);
    },
  );
  device.start();
  const socketPath = home.folder('run').file(socketFile);
  const local = await serveLocal(socketPath, { device, transport, log });
  log.event('daemon.ready', { device: identity.device });

  return {
    socketPath,
    async close() {
      await local.close();
      await device.close();
      await Promise.allSettled(shells);
      transport.close();
      await store.close();
      lock.release();
    },
  };
}

/** What a shell here sees of the daemon's own environment: where it is, never how the daemon was configured. */
const passedOn = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'USER', 'LOGNAME', 'SHELL'] as const;

function shellEnvironment(device: string): Record<string, string> {
  const env: Record<string, string> = { HOME: userInfo().homedir, CAPONIER_DEVICE: device };
  for (const name of passedOn) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  return env;
}
