import { chmodSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fail } from '@caponier/protocol';
import { isLoopback } from '../listen/address.ts';
import { refusePublicMetrics } from '../listen/boot.ts';
import type { Metrics } from './metrics.ts';

/** Collectors at once. */
const MAX_CONNECTIONS = 16;
/** Milliseconds of one connection, from its first moment to the last byte of its one answer, which takes a few of them. */
const CONNECTION_MS = 3_000;
/** Bytes of the headers of a request. */
const REQUEST_HEADER_BYTES = 8 * 1024;

export interface MetricsListener {
  /** `http://127.0.0.1:9464`, or the path of a socket. */
  readonly at: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Where to listen: an address of this machine, or a socket in a folder that only this user can enter. */
export type MetricsPlace = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Threat: the numbers say how much an operator carries, and whoever can ask for them can make the process work. Measure: a
 * listener of its own, bound to this machine, few connections, GET only. Threat: a page in a browser on this machine points
 * a name of its own to 127.0.0.1 and reads along (DNS rebinding). Measure: the `Host` must be this machine's. Threat: somebody on
 * this machine takes all places and keeps them, by silence, a byte now and then, an answer that is not read, or one request
 * after another, and the operator sees nothing any more. Measure: one request a connection, and seconds for all of it. What
 * remains: every user of this machine can read what a port serves, and crowd it for as long as it comes again and again; on the
 * socket only this one can.
 *
 * GET /metrics: text for Prometheus. GET /metrics.json: the same for `relay status`. Throws `host.public_metrics`, `host.bad_config`.
 */
export async function serveMetrics(metrics: Metrics, place: MetricsPlace): Promise<MetricsListener> {
  if ('host' in place) refusePublicMetrics(place.host);
  const server = createServer({ maxHeaderSize: REQUEST_HEADER_BYTES }, (request, response) => {
    void answer(metrics, request, response).catch(() => response.destroy());
  });
  server.maxConnections = MAX_CONNECTIONS;
  // What else is sent over a connection makes nobody work.
  server.maxRequestsPerSocket = 1;
  // Whatever it does: Node's own timeouts look at parts of it, and only every 30 seconds.
  server.on('connection', (socket) => {
    const timer = setTimeout(() => socket.destroy(), CONNECTION_MS).unref();
    socket.once('close', () => clearTimeout(timer));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = 'path' in place ? place.path : `${place.host}:${place.port}`;
      reject(fail('host.bad_config', `metrics on ${where}: ${error.code}`, error));
    });
    server.listen({ ...place }, resolve);
  });
  server.on('error', () => undefined);
  if ('path' in place) chmodSync(place.path, 0o600);
  const address = server.address();
  const port = typeof address === 'string' ? 0 : (address as AddressInfo).port;
  return {
    at: 'path' in place ? place.path : `http://${bracketed(place.host)}:${port}`,
    port,
    close: () => close(server),
  };
}

const bracketed = (host: string) => (host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host);

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function isOurs(host: string | undefined): boolean {
  const text = `http://${host}`;
  return host !== undefined && URL.canParse(text) && isLoopback(new URL(text).hostname);
}

async function answer(metrics: Metrics, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const say = (status: number, type: string, body: string) => {
    response.writeHead(status, {
      'content-type': type,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(body);
  };
  if (request.method !== 'GET') return say(405, 'text/plain', '');
  if (!isOurs(request.headers.host)) return say(421, 'text/plain', '');
  if (request.url === '/metrics') return say(200, 'text/plain; version=0.0.4; charset=utf-8', await metrics.text());
  if (request.url === '/metrics.json') return say(200, 'application/json', JSON.stringify(await metrics.read()));
  say(404, 'text/plain', '');
}
