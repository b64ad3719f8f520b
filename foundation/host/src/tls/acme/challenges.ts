import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addressKey } from '../../listen/address.ts';

/** Connections at once; an authority comes with a handful, from several places. */
const MAX_CONNECTIONS = 256;

/** Connections of one address (IPv6: /64): nobody keeps the authority out by taking every place. */
const MAX_CONNECTIONS_PER_ADDRESS = 32;

/** Milliseconds for one connection, from its beginning to its end. */
const CONNECTION_TIME = 10_000;

const prefix = '/.well-known/acme-challenge/';

/** What an authority fetches to see that a name is ours (`http-01`, RFC 8555 section 8.3). Open only during an order. */
export interface Challenges {
  readonly port: number;
  /** Whether anybody came for a token that is there. */
  readonly fetched: boolean;
  put(token: string, answer: string): void;
  remove(token: string): void;
  close(): Promise<void>;
}

/**
 * Opens it. It knows a few tokens for some seconds, tells them to anybody, and nothing else; each connection carries one
 * request and is cut after `CONNECTION_TIME`. Rejects where the port is taken or not ours.
 */
export async function openChallenges(bind: { readonly host: string; readonly port: number }): Promise<Challenges> {
  const answers = new Map<string, string>();
  let fetched = false;
  const server = createServer({ maxHeaderSize: 8 * 1024, keepAlive: false }, (request, response) => {
    const path = request.url ?? '';
    const answer =
      request.method === 'GET' && path.startsWith(prefix) ? answers.get(path.slice(prefix.length)) : undefined;
    if (answer !== undefined) fetched = true;
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'text/plain', connection: 'close' });
    response.end(answer ?? '');
  });
  server.maxConnections = MAX_CONNECTIONS;
  const byAddress = new Map<string, number>();
  server.on('connection', (socket) => {
    const key = addressKey(socket.remoteAddress);
    const open = byAddress.get(key) ?? 0;
    if (open >= MAX_CONNECTIONS_PER_ADDRESS) return void socket.destroy();
    byAddress.set(key, open + 1);
    const timer = setTimeout(() => socket.destroy(), CONNECTION_TIME);
    socket.once('close', () => {
      clearTimeout(timer);
      const left = (byAddress.get(key) ?? 1) - 1;
      if (left > 0) byAddress.set(key, left);
      else byAddress.delete(key);
    });
  });
  server.listen(bind);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get fetched() {
      return fetched;
    },
    put: (token, answer) => void answers.set(token, answer),
    remove: (token) => void answers.delete(token),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
