import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fail } from '@caponier/protocol';
import { getRequestListener, RequestError } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Log } from '../log/log.ts';
import { addressKey } from './address.ts';
import { refusePublicPlaintext, refuseRoot } from './boot.ts';
import { Connections } from './connections.ts';
import {
  CHECKING_INTERVAL,
  DRAIN_TIME,
  KEEP_ALIVE_SECONDS,
  type ListenerLimits,
  MAX_HEADER_BYTES,
  MAX_HEADERS,
} from './limits.ts';
import { placeOf } from './problems.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { refusal, refuseRequest, refuseSocket } from './refuse.ts';
import { respond } from './respond.ts';

/** What answers requests: a hono application. */
export interface Application {
  fetch(request: Request, env: unknown): Response | Promise<Response>;
}

export interface ServeOptions {
  /** The address to bind to. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM. Without it the listener speaks plaintext. */
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly limits: ListenerLimits;
  readonly log: Log;
  readonly clock: () => number;
  /** Plaintext beyond this machine, for development. */
  readonly allowUnsafePublicBind?: boolean;
  readonly allowRoot?: boolean;
  /**
   * Takes WebSocket upgrades on the same port (`WebSocketServer.handleUpgrade` with `noServer`). Whatever it does not take
   * it refuses with `refuseSocket`. Without it every upgrade is refused with `host.not_found`.
   */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export interface Listener {
  readonly port: number;
  /** With the scheme, the host as bound and the port. */
  readonly url: string;
  /** Connections open now, upgraded ones too. */
  readonly connections: number;
  /**
   * Takes no more connections, lets requests under way end, and cuts what is left after `grace` milliseconds (default
   * `DRAIN_TIME`). End streams and WebSockets first: they do not end by themselves.
   */
  close(grace?: number): Promise<void>;
}

/** The body's length as declared; refuses what is too large or not declared, before a byte of it is read. */
function declaredLength(request: IncomingMessage, limits: ListenerLimits): number {
  // Node's parser has refused a malformed length, two of them, and one beside a transfer coding (RFC 9112 section 6.3).
  if (request.headers['transfer-encoding'] !== undefined) throw fail('host.length_required');
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > limits.maxBodyBytes) throw fail('host.body_too_large');
  return length;
}

/**
 * One listener, http or https, under the limits that bind every listener of every domain. Throws `host.root`,
 * `host.public_plaintext`, and `host.bad_config` where the address cannot be bound.
 */
export async function serve(app: Application, options: ServeOptions): Promise<Listener> {
  const { limits, log, clock, host, tls } = options;
  refuseRoot(options);
  refusePublicPlaintext(options);

  const connections = new Connections(limits);
  const rate = createRateLimiter({ perMinute: limits.maxRequestsPerMinute, burst: limits.requestBurst, clock });
  const broken = (error: unknown) => log.error('request.failed', { code: 'host.internal', where: placeOf(error) });
  const answer = getRequestListener(
    async (request, env) => {
      await respond(await app.fetch(request, env), env.outgoing as ServerResponse).catch(broken);
      return RESPONSE_ALREADY_SENT;
    },
    {
      overrideGlobalObjects: false,
      // The request has no usable address, or the application has no handler for its errors.
      errorHandler: (error) => {
        if (error instanceof RequestError) return refusal(fail('host.bad_body'));
        broken(error);
        return refusal(error);
      },
    },
  );
  let bodyBytes = 0;
  let closing = false;

  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    if (connections.isRefused(request.socket)) return;
    const address = addressKey(request.socket.remoteAddress);
    try {
      if (!rate.take(address)) {
        const wait = String(rate.secondsUntil(address));
        return refuseRequest(request, response, fail('host.rate_limited'), { 'retry-after': wait });
      }
      const length = declaredLength(request, limits);
      if (bodyBytes + length > limits.maxBodyBytesTogether) throw fail('host.busy');
      bodyBytes += length;
      response.once('close', () => {
        bodyBytes -= length;
        if (closing) setImmediate(() => server.closeIdleConnections());
      });
    } catch (error) {
      return refuseRequest(request, response, error);
    }
    if (closing) response.setHeader('connection', 'close');
    response.setHeader('x-content-type-options', 'nosniff');
    void answer(request, response);
  };

  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // From here on the socket is nobody's but ours: an error without a listener would end the process.
    socket.on('error', () => socket.destroy());
    if (!rate.take(addressKey(request.socket.remoteAddress))) return refuseSocket(socket, fail('host.rate_limited'));
    if (closing || !options.onUpgrade) return refuseSocket(socket, fail('host.not_found'));
    try {
      options.onUpgrade(request, socket, head);
    } catch (error) {
      refuseSocket(socket, error);
    }
  };

  const settings = {
    headersTimeout: limits.headerSeconds * 1000,
    requestTimeout: limits.requestSeconds * 1000,
    connectionsCheckingInterval: CHECKING_INTERVAL,
    keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Other upgrades (h2c) are not taken: the request goes on as HTTP/1.1 (RFC 9110 section 7.8).
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
  };
  const server: Server = tls
    ? createHttpsServer({ ...settings, ...tls, minVersion: 'TLSv1.3', handshakeTimeout: limits.headerSeconds * 1000 })
    : createHttpServer(settings);
  server.maxHeadersCount = MAX_HEADERS;
  server.on('request', onRequest);
  server.on('upgrade', onUpgrade);
  server.on('clientError', (_error, socket) => {
    if (socket.writable) refuseSocket(socket, fail('host.bad_body'));
    else socket.destroy();
  });
  server.on('connection', (socket: Socket) => {
    connections.arrive(socket);
    if (!tls) connections.refuseExcess(socket);
  });
  server.on('secureConnection', (socket: Socket) => connections.refuseExcess(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(fail('host.bad_config', `${host}: ${error.code}`, error)),
    );
    server.listen({ host, port: options.port }, resolve);
  });
  server.on('error', (error: NodeJS.ErrnoException) =>
    log.error('listener.failed', { reason: error.code ?? 'unknown' }),
  );

  const { port } = server.address() as AddressInfo;
  const url = `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host.replace(/^\[|\]$/g, '')}]` : host}:${port}`;
  log.event('listener.open', { port });
  return {
    port,
    url,
    get connections() {
      return connections.size;
    },
    close(grace = DRAIN_TIME) {
      closing = true;
      return new Promise((resolve) => {
        const timer = setTimeout(() => connections.destroyAll(), grace);
        server.close(() => {
          clearTimeout(timer);
          log.event('listener.closed', { port });
          resolve();
        });
        server.closeIdleConnections();
      });
    },
  };
}
