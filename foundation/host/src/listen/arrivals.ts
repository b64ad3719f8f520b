import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Connections } from './connections.ts';
import type { ListenerHit } from './limits.ts';
import type { Networks } from './networks.ts';
import { takeProxyHeader } from './proxied.ts';

export interface ArrivalOptions {
  readonly connections: Connections;
  /** TLS comes before HTTP. */
  readonly secret: boolean;
  /** A PROXY header comes before everything. */
  readonly proxyProtocol: boolean;
  readonly trusted: Networks;
  /** Milliseconds for the PROXY header. */
  readonly ms: number;
  readonly onLimit: (name: ListenerHit) => void;
}

/**
 * Stands before the server's own handler of connections, so that each is counted, and its PROXY header taken off, before
 * a byte is parsed as TLS or HTTP.
 */
export function watchArrivals(server: Server, options: ArrivalOptions): void {
  const { connections, secret, proxyProtocol, trusted, ms, onLimit } = options;
  const own = server.listeners('connection');
  const hand = (socket: Socket) => {
    for (const listener of own) listener.call(server, socket);
    if (!secret) connections.refuseExcess(socket);
  };
  const cut = (socket: Socket) => {
    onLimit('proxyHeader');
    socket.destroy();
  };
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    if (!proxyProtocol) return void (connections.arrive(socket, secret) && hand(socket));
    // Before it costs a place: who is no proxy of ours cannot be meant.
    if (!trusted.includes(socket.remoteAddress)) return cut(socket);
    if (!connections.arrive(socket, secret)) return;
    takeProxyHeader(socket, ms, (header) => {
      const place = connections.placeOf(socket);
      if (!header || !place || socket.destroyed) return cut(socket);
      connections.assign(place, header.source ?? socket.remoteAddress);
      if (place.key === null) socket.destroy();
      else hand(socket);
    });
  });
  server.prependListener('secureConnection', (socket: Socket) => connections.secured(socket));
  server.on('secureConnection', (socket: Socket) => connections.refuseExcess(socket));
}
