import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog, readListenerLimits, refuseSocket, serve, systemClock, systemRandom } from '@caponier/host';
import { fail } from '@caponier/protocol';
import { acceptWebSocket, createRelay, openRelayStore, type RelayLimits, relayServerOptions } from '@caponier/relay';
import { WebSocketServer } from 'ws';
import { serveParent } from './child.ts';
import { type ResidentQuestion, residentBytes } from './memory.ts';
import { relaySigner } from './people.ts';

export interface RelayServerOptions {
  /** Limits of the relay that are raised: `--limit name=value`. */
  readonly limits: Partial<RelayLimits>;
  /** Limits of its listener that are raised, by their flags. */
  readonly flags: Readonly<Record<string, number>>;
}

/** Our relay as it is deployed: behind the listener that every service has, with its log in a file. */
async function start({ limits, flags }: RelayServerOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'caponier-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = openSync(join(folder, 'log'), 'w');
  const log = createLog({ service: 'relay', clock: systemClock, to: { write: (line) => void writeSync(file, line) } });
  const relay = createRelay({
    store: await openRelayStore(join(folder, 'relay.db')),
    clock: systemClock,
    random: systemRandom,
    signer: relaySigner,
    admission: { kind: 'open' },
    every: (milliseconds, work) => {
      const timer = setInterval(work, milliseconds);
      return () => clearInterval(timer);
    },
    limits,
    log: (event, fields) => log.event(event, fields),
  });
  const sockets = new WebSocketServer(relayServerOptions);
  const listener = await serve(relay.app, {
    host: '127.0.0.1',
    port: 0,
    limits: readListenerLimits({ flags, env: {} }),
    log,
    clock: systemClock,
    allowRoot: true,
    onUpgrade(request, socket, head, address) {
      const refusal = relay.turnsAway(address);
      if (refusal) return refuseSocket(socket, fail(refusal.status === 429 ? 'host.rate_limited' : 'host.busy'));
      sockets.handleUpgrade(request, socket, head, (ws) => acceptWebSocket(relay, ws, address));
    },
  });
  return listener.port;
}

serveParent((message: RelayServerOptions | ResidentQuestion) =>
  'resident' in message ? residentBytes(message.resident) : start(message),
);
