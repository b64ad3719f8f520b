import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { seededRandom } from '@caponier/testkit';
import { WebSocketServer } from 'ws';
import { acceptWebSocket, createRelay, openRelayStore, relayServerOptions } from '../src/index.ts';
import { relaySigner } from './hello.ts';

/** A relay as a process of its own, to be killed: prints its port. */
const [, , folder = ''] = process.argv;
const relay = createRelay({
  store: await openRelayStore(join(folder, 'relay.db')),
  clock: Date.now,
  random: seededRandom(`kill ${process.pid}`),
  signer: relaySigner,
  admission: { kind: 'open' },
  every: (milliseconds, work) => {
    const timer = setInterval(work, milliseconds);
    return () => clearInterval(timer);
  },
  limits: { mailBurst: 10_000 },
});
const sockets = new WebSocketServer(relayServerOptions);
const server = createServer();
server.on('upgrade', (request, socket, head) =>
  sockets.handleUpgrade(request, socket, head, (ws) => acceptWebSocket(relay, ws, '127.0.0.1')),
);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
