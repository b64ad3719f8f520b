import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acceptWebSocket, createRelay, openRelayStore, relayServerOptions } from '@caponier/relay';
import { seededRandom } from '@caponier/testkit';
import { WebSocketServer } from 'ws';
import { serveParent } from './child.ts';
import { relaySigner } from './people.ts';

/** Our relay, as deployed, but for the attempts of one address: all clients come from this machine. */
serveParent(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'caponier-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.on('SIGTERM', () => process.exit());
  const relay = createRelay({
    store: await openRelayStore(join(folder, 'relay.db')),
    clock: Date.now,
    random: seededRandom('bench'),
    signer: relaySigner,
    admission: { kind: 'open' },
    every: (milliseconds, work) => {
      const timer = setInterval(work, milliseconds);
      return () => clearInterval(timer);
    },
    limits: { challengesPerMinute: 1_000 },
  });
  const sockets = new WebSocketServer(relayServerOptions);
  const server = createServer();
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => acceptWebSocket(relay, ws, '127.0.0.1')),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
});
