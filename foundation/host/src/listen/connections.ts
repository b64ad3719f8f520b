import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fail } from '@caponier/protocol';
import { addressKey, isLoopback } from './address.ts';
import { type ListenerHit, type ListenerLimits, MAX_REFUSALS } from './limits.ts';
import type { Networks } from './networks.ts';
import { refuseSocket, retryAfter } from './refuse.ts';

/** One connection and no other: two from one port of a client may lead to two addresses of this machine. */
const peerOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket) =>
  [remoteAddress, remotePort, localAddress, localPort].join(' ');

/** What is known of an open connection. */
export interface Place {
  /** Whose it is: the other side, or, of a connection that began with a PROXY header, whom that names. */
  peer: string | undefined;
  /** What it counts under; null while it is a proxy's, which speaks for many. */
  key: string | null;
  /** Above a limit: it is only told so. */
  excess: boolean;
  /** It has been told so; whatever it still asks is not answered. */
  refused: boolean;
  /** Bytes of request bodies that it may be sending, as declared. */
  held: number;
  /** Requests that wait for their answers. */
  waiting: number;
  /** The newest of them. */
  exchange: { readonly request: IncomingMessage; readonly response: ServerResponse } | null;
}

export interface ConnectionsOptions {
  readonly limits: ListenerLimits;
  /** Proxies, whose connections count only together until it is known whose they are. */
  readonly trusted: Networks;
  readonly onLimit: (name: ListenerHit) => void;
}

/**
 * Which connections are open, whose they are, and which are too many.
 *
 * A connection arrives as a bare socket and counts at once, TLS done or not: a handshake that never ends holds a place like
 * any other. One above a limit is told 503 where there is a way to say it; the few places that this telling may take
 * (`MAX_REFUSALS`) come on top of the limit, and when they are full too the socket is cut without a word.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Map<Duplex, Place>();
  readonly #byAddress = new Map<string, number>();
  /** Places of bare sockets whose TLS is not done, by the addresses and ports of both sides, which the TLS over it shares. */
  readonly #handshaking = new Map<string, Place>();
  readonly #secure = new WeakMap<Duplex, Place>();
  #held = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes a bare socket in; false where it was cut. `secret`: TLS comes over it. */
  arrive(socket: Socket, secret: boolean): boolean {
    const { limits, trusted, onLimit } = this.#options;
    const above = this.#open.size - limits.maxConnections;
    const place: Place = {
      peer: socket.remoteAddress,
      key: null,
      excess: above >= 0,
      refused: false,
      held: 0,
      waiting: 0,
      exchange: null,
    };
    if (place.excess) onLimit('maxConnections');
    const taken = above < MAX_REFUSALS && (trusted.includes(place.peer) || this.#count(place, addressKey(place.peer)));
    if (!taken) {
      socket.destroy();
      return false;
    }
    this.#open.set(socket, place);
    const peer = secret ? peerOf(socket) : undefined;
    if (peer !== undefined) this.#handshaking.set(peer, place);
    socket.once('close', () => {
      this.#open.delete(socket);
      if (peer !== undefined && this.#handshaking.get(peer) === place) this.#handshaking.delete(peer);
      this.#uncount(place);
      this.release(place, place.held);
    });
    return true;
  }

  /** TLS over a bare socket is done. */
  secured(socket: Socket): void {
    const peer = peerOf(socket);
    const place = this.#handshaking.get(peer);
    if (!place) return;
    this.#handshaking.delete(peer);
    this.#secure.set(socket, place);
  }

  /** What is known of it; undefined where it is not open, or its TLS is not done. `socket` is where HTTP is spoken. */
  placeOf(socket: Duplex): Place | undefined {
    return this.#open.get(socket) ?? this.#secure.get(socket);
  }

  /**
   * A proxy's connection turns out to be one client's. False where that client, or the proxy that hides who it is, has too
   * many: then it has to be told, or cut.
   */
  assign(place: Place, address: string | undefined): boolean {
    place.peer = address;
    if (place.key !== null) return true;
    return this.#count(place, addressKey(address)) && !place.excess;
  }

  /** Says 503 if the connection is too many. `socket` is where HTTP is spoken: the bare socket, or the TLS over it. */
  refuseExcess(socket: Socket): void {
    const place = this.placeOf(socket);
    if (!place?.excess) return;
    place.refused = true;
    refuseSocket(socket, fail('host.too_many_connections'), retryAfter());
  }

  /** Reserves room for a request body; false where all of them together would be too much. */
  hold(place: Place, bytes: number): boolean {
    if (this.#held + bytes > this.#options.limits.maxBodyBytesTogether) return false;
    this.#held += bytes;
    place.held += bytes;
    return true;
  }

  /** Gives it back. The end of a connection gives back all of it, since a request that waits behind another never ends. */
  release(place: Place, bytes: number): void {
    const given = Math.min(bytes, place.held);
    this.#held -= given;
    place.held -= given;
  }

  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }

  /** Counts a place under an address; false where even the places for refusals are full. */
  #count(place: Place, key: string): boolean {
    const { limits, onLimit } = this.#options;
    const count = this.#byAddress.get(key) ?? 0;
    // Behind a tunnel on this machine everybody comes from its loopback address.
    const above = isLoopback(key) ? -1 : count - limits.maxConnectionsPerAddress;
    if (above >= 0) {
      if (!place.excess) onLimit('maxConnectionsPerAddress');
      place.excess = true;
    }
    if (above >= MAX_REFUSALS) return false;
    place.key = key;
    this.#byAddress.set(key, count + 1);
    return true;
  }

  #uncount({ key }: Place): void {
    if (key === null) return;
    const left = (this.#byAddress.get(key) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(key, left);
    else this.#byAddress.delete(key);
  }
}
