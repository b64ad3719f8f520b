import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { fail } from '@caponier/protocol';
import { tlsProtocol } from '../tls/protocol.ts';
import { watchArrivals } from './arrivals.ts';
import { refuseNobody, refusePublicPlaintext, refuseRoot, warnUnsafe } from './boot.ts';
import { Connections } from './connections.ts';
import { createFaults } from './faults.ts';
import {
  CHECKING_INTERVAL,
  DRAIN_TIME,
  KEEP_ALIVE_SECONDS,
  type ListenerLimits,
  MAX_HEADER_BYTES,
  MAX_HEADERS,
} from './limits.ts';
import { parseNetworks } from './networks.ts';
import type { Application, Listener, ServedCertificate, ServeOptions } from './options.ts';
import { createRequests } from './requests.ts';

function createServer(limits: ListenerLimits, tls: ServedCertificate | undefined): Server {
  const settings = {
    headersTimeout: limits.headerSeconds * 1000,
    requestTimeout: limits.requestSeconds * 1000,
    connectionsCheckingInterval: CHECKING_INTERVAL,
    keepAliveTimeout: KEEP_ALIVE_SECONDS * 1000,
    maxHeaderSize: MAX_HEADER_BYTES,
    // Other upgrades (h2c) are not taken: the request goes on as HTTP/1.1 (RFC 9110 section 7.8).
    shouldUpgradeCallback: (request: IncomingMessage) => request.headers.upgrade?.toLowerCase() === 'websocket',
  };
  const context = tls && { ...tlsProtocol, key: tls.key, cert: tls.cert };
  const server = context
    ? createHttpsServer({ ...settings, ...context, handshakeTimeout: limits.headerSeconds * 1000 })
    : createHttpServer(settings);
  // One more, so that a request with too many is seen as such: Node may leave out what is above, a body's length among it.
  server.maxHeadersCount = MAX_HEADERS + 1;
  return server;
}

/**
 * One listener, http or https, under the limits that bind every listener of every domain. Throws `host.root`,
 * `host.public_plaintext`, and `host.bad_config` where the address cannot be bound, or PROXY headers are wanted of nobody.
 */
export async function serve(app: Application, options: ServeOptions): Promise<Listener> {
  const { limits, log, host, tls, proxyProtocol = false, trusted = parseNetworks('') } = options;
  refuseRoot(options);
  refusePublicPlaintext(options);
  refuseNobody(options);

  const onLimit = options.onLimit ?? (() => {});
  const connections = new Connections({ limits, trusted, onLimit });
  let closing = false;
  const server = createServer(limits, tls);
  const { onRequest, onUpgrade } = createRequests(app, {
    ...options,
    connections,
    trusted,
    onLimit,
    closing: () => closing,
    answered: () => closing && setImmediate(() => server.closeIdleConnections()),
  });
  server.on('request', onRequest);
  // Node's own answer to an expectation that it does not know (417) would go past every limit here.
  server.on('checkExpectation', onRequest);
  server.on('upgrade', onUpgrade);
  server.on('clientError', createFaults(connections, onLimit));
  const ms = limits.headerSeconds * 1000;
  watchArrivals(server, { connections, secret: tls !== undefined, proxyProtocol, trusted, ms, onLimit });
  // Connections that are open keep what they agreed on; the next one gets the new certificate.
  const keep = tls?.onChange?.(() =>
    (server as HttpsServer).setSecureContext({ ...tlsProtocol, key: tls.key, cert: tls.cert }),
  );
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
  const quiet = warnUnsafe(options, log, port);
  return {
    port,
    url,
    get connections() {
      return connections.size;
    },
    close(grace = DRAIN_TIME) {
      closing = true;
      quiet();
      keep?.();
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
