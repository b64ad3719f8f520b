import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fail } from '@caponier/protocol';
import { addressKey, isLoopback } from './address.ts';
import { Crowd } from './crowd.ts';
import { type ListenerHit, type ListenerLimits, MAX_REFUSALS } from './limits.ts';
import type { Networks } from './networks.ts';
import { refuseSocket, retryAfter } from './refuse.ts';

/** One connection and no other: two from one port of a client may lead to two addresses of this machine. */
const peerOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket) =>
  [remoteAddress, remotePort, localAddress, localPort].join(' ');

/** What is known of an open connection. */
export interface Place {
  /** The bare socket. */
  readonly socket: Socket;
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
  /** It is a WebSocket now. */
  upgraded: boolean;
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
 * Threat: sockets that are only kept open, with a request now and then, a slow one or none, hold every place, and who has
 * business finds none. Measure: where all places are taken, whoever comes gets that of a connection which is no WebSocket:
 * of the address that has most of these, the one that asked or was answered longest ago. WebSockets take no place here: the
 * service that takes them bounds them, and neither flood is in the way of the other. What remains: as many addresses as there
 * are places, each coming back faster than a client asks.
 *
 * A connection arrives as a bare socket and counts at once, TLS done or not: a handshake that never ends holds a place like
 * any other. One above a limit is told 503 where there is a way to say it; the few places that this telling may take
 * (`MAX_REFUSALS`) come on top of the limit, and when they are full too the socket is cut without a word.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Map<Duplex, Place>();
  readonly #byAddress = new Map<string, number>();
  /** Those that may go for others, whoever was active last at the end. A proxy's are not among them: it speaks for many. */
  readonly #mayGo = new Crowd<Place>();
  /** Places of bare sockets whose TLS is not done, by the addresses and ports of both sides, which the TLS over it shares. */
  readonly #handshaking = new Map<string, Place>();
  readonly #secure = new WeakMap<Duplex, Place>();
  #upgraded = 0;
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
    const tooMany = () => this.#open.size - this.#upgraded - limits.maxConnections;
    if (tooMany() >= 0) this.#makeRoom();
    const above = tooMany();
    const place: Place = {
      socket,
      peer: socket.remoteAddress,
      key: null,
      excess: above >= 0,
      refused: false,
      held: 0,
      waiting: 0,
      upgraded: false,
      exchange: null,
    };
    if (above >= 0) onLimit('maxConnections');
    const taken = above < MAX_REFUSALS && (trusted.includes(place.peer) || this.#count(place, addressKey(place.peer)));
    if (!taken) {
      socket.destroy();
      return false;
    }
    this.#open.set(socket, place);
    this.touch(place);
    const peer = secret ? peerOf(socket) : undefined;
    if (peer !== undefined) this.#handshaking.set(peer, place);
    socket.once('close', () => {
      this.#leave(place);
      if (peer !== undefined && this.#handshaking.get(peer) === place) this.#handshaking.delete(peer);
      this.release(place, place.held);
    });
    return true;
  }

  #leave(place: Place): void {
    // Twice for one that was displaced: its place is free before its socket has closed.
    if (!this.#open.delete(place.socket)) return;
    if (place.upgraded) this.#upgraded -= 1;
    if (place.key !== null) this.#mayGo.remove(place.key, place);
    this.#uncount(place);
  }

  #makeRoom(): void {
    const place = this.#mayGo.oldestOfBusiest();
    if (!place) return;
    this.#options.onLimit('maxConnections');
    this.#leave(place);
    place.socket.destroy();
  }

  /** A request of it has come, or was answered. */
  touch(place: Place): void {
    const isOurs = !place.upgraded && !place.excess && this.#open.has(place.socket);
    if (place.key !== null && isOurs) this.#mayGo.add(place.key, place);
  }

  /** It is a WebSocket from here on. */
  upgrade(place: Place): void {
    // TLS over a socket that was displaced may not have heard of it yet.
    if (!this.#open.has(place.socket)) return;
    place.upgraded = true;
    this.#upgraded += 1;
    if (place.key !== null) this.#mayGo.remove(place.key, place);
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
    if (!this.#count(place, addressKey(address)) || place.excess) return false;
    this.touch(place);
    return true;
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
