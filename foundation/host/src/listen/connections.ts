import type { Socket } from 'node:net';
import { fail } from '@caponier/protocol';
import { addressKey, isLoopback } from './address.ts';
import { type ListenerLimits, MAX_REFUSALS } from './limits.ts';
import { refuseSocket } from './refuse.ts';

const peerOf = (socket: Socket) => `${socket.remoteAddress} ${socket.remotePort}`;

/**
 * Which connections are open, and which are too many.
 *
 * A connection arrives as a bare socket and counts at once, TLS done or not: a handshake that never ends holds a place like
 * any other. One above a limit is told 503 where there is a way to say it; the few places that this telling may take
 * (`MAX_REFUSALS`) come on top of the limit, and when they are full too the socket is cut without a word.
 */
export class Connections {
  readonly #limits: ListenerLimits;
  readonly #open = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();
  /** By the other side's address and port, which the bare socket and the TLS over it share. */
  readonly #excess = new Set<string>();
  readonly #refused = new WeakSet<Socket>();

  constructor(limits: ListenerLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A bare socket. */
  arrive(socket: Socket): void {
    const address = addressKey(socket.remoteAddress);
    const together = this.#open.size - this.#limits.maxConnections;
    // Behind a tunnel or a proxy on this machine everybody comes from its loopback address.
    const own = isLoopback(address) ? -1 : (this.#byAddress.get(address) ?? 0) - this.#limits.maxConnectionsPerAddress;
    const above = Math.max(together, own);
    if (above >= MAX_REFUSALS) {
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    if (above >= 0) this.#excess.add(peer);
    this.#open.add(socket);
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    socket.once('close', () => {
      this.#excess.delete(peer);
      this.#forget(socket, address);
    });
  }

  /** Says 503 if the connection is too many. `socket` is where HTTP is spoken: the bare socket, or the TLS over it. */
  refuseExcess(socket: Socket): void {
    if (!this.#excess.has(peerOf(socket))) return;
    this.#refused.add(socket);
    refuseSocket(socket, fail('host.too_many_connections'));
  }

  /** Whether 503 was said there: whatever it still asks is not answered. */
  isRefused(socket: Socket): boolean {
    return this.#refused.has(socket);
  }

  destroyAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #forget(socket: Socket, address: string): void {
    this.#open.delete(socket);
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }
}
