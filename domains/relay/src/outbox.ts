import { type ErrorCode, encodeFrame, type FrameInput, type FrameName, relayNumberOf } from '@caponier/protocol';
import type { Connection } from './connection.ts';

/**
 * Gathers what is sent in one turn of the event loop and writes it in one go: a system call a batch, not a frame.
 * Bounds what waits for a connection that does not read.
 */
export class Outbox {
  readonly #most: number;
  readonly #cut: (connection: Connection) => void;
  #dirty: Connection[] = [];
  readonly #flush = () => this.flush();

  constructor(most: number, cut: (connection: Connection) => void) {
    this.#most = most;
    this.#cut = cut;
  }

  /** Queues a whole frame. */
  push(to: Connection, frame: Uint8Array): void {
    if (to.state === 'closed') return;
    if (to.out.length === 0) {
      if (this.#dirty.length === 0) queueMicrotask(this.#flush);
      this.#dirty.push(to);
    }
    to.out.push(frame);
    to.outBytes += frame.length;
  }

  send<N extends FrameName>(to: Connection, name: N, values: FrameInput<N>): void {
    this.push(to, encodeFrame(name, values));
  }

  error(to: Connection, channel: number, code: ErrorCode): void {
    this.send(to, 'error', { channel, code: relayNumberOf(code) });
  }

  /** Writes what waits for one connection; before it is closed. */
  drain(connection: Connection): void {
    const { out, socket } = connection;
    if (out.length === 0) return;
    if (socket.bufferedAmount + connection.outBytes > this.#most) {
      out.length = 0;
      connection.outBytes = 0;
      this.#cut(connection);
      return;
    }
    socket.send(out);
    out.length = 0;
    connection.outBytes = 0;
  }

  flush(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) this.drain(connection);
  }
}
