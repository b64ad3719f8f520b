/** A relay as a process of its own, behind a real listener, to be killed. Argument: its folder. Prints its port. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { acceptWebSocket, createRelay, openRelayStore, type RelayStore, relayServerOptions } from '@caponier/relay';
import { testSigner } from '@caponier/testkit';
import { WebSocketServer } from 'ws';

/** Far above what a round needs: what is tortured is durability, not the rates and quotas. */
const raised = {
  challengesPerMinute: 10_000,
  mailPerMinute: 1_000_000,
  mailBurst: 1_000_000,
  pendingMail: 1_000_000,
  mailOfContacts: 1_000_000,
  senderMail: 1_000_000,
  senderMailTogether: 1_000_000,
  contactMail: 1_000_000,
  contactMailTogether: 1_000_000,
  pendingMailBytes: 1024 ** 3,
  mailBytesOfContacts: 1024 ** 3,
  senderMailBytes: 1024 ** 3,
  senderMailBytesTogether: 1024 ** 3,
  contactMailBytes: 1024 ** 3,
  contactMailBytesTogether: 1024 ** 3,
  ownerMailBytes: 1024 ** 3,
  hellosPerMinute: 10_000,
  replacements: 10_000,
};

export async function serveRelay(folder: string, wrap: (store: RelayStore) => RelayStore = (store) => store) {
  const relay = createRelay({
    store: wrap(await openRelayStore(join(folder, 'relay.db'))),
    clock: Date.now,
    random: (length) => new Uint8Array(randomBytes(length)),
    signer: testSigner('mail-kill relay'),
    admission: { kind: 'open' },
    every: (milliseconds, work) => {
      const timer = setInterval(work, milliseconds);
      return () => clearInterval(timer);
    },
    limits: raised,
  });
  const sockets = new WebSocketServer(relayServerOptions);
  const server = createServer();
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, (ws) => acceptWebSocket(relay, ws, '127.0.0.1')),
  );
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
}

if (import.meta.main) await serveRelay(process.argv[2]!);
