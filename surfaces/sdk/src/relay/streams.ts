import type { CaponierError } from '@caponier/crypto';
import {
  type ErrorCode,
  type Frame,
  fail,
  maxDataBytes,
  relayErrorOf,
  relayHeaderBytes,
  relayNumberOf,
} from '@caponier/protocol';
import type { RelayStream } from '../link/relay-port.ts';
import { MOST_WINDOW } from './limits.ts';
import { Queue } from './queue.ts';
import type { Wire } from './wire.ts';

export type StreamHandler = (purpose: number, peer: Uint8Array) => ((stream: RelayStream) => void) | null;

/** One end of a stream. */
class Stream implements RelayStream {
  readonly peer: Uint8Array;
  readonly messages: Queue;
  readonly #wire: Wire;
  readonly #channel: number;
  readonly #forget: () => void;
  /** Bytes that may be sent, and bytes the reader has taken and not granted again. */
  #credit: number;
  #taken = 0;
  /** Bytes that may still come. The relay keeps the sender to this, and we keep the relay to it: it could fill our memory. */
  #allowed: number;
  readonly #grantAt: number;
  #queued = 0;
  #turn: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  #failure: CaponierError | null = null;

  constructor(wire: Wire, channel: number, peer: Uint8Array, window: number, forget: () => void) {
    this.#wire = wire;
    this.#channel = channel;
    this.peer = peer;
    this.#credit = window;
    this.#allowed = window;
    // In halves: one frame of credit for half a window of data, and the sender never stands still.
    this.#grantAt = Math.floor(window / 2);
    this.#forget = forget;
    this.messages = new Queue((message) => this.#grant(relayHeaderBytes + message.length));
  }

  #grant(cost: number): void {
    this.#taken += cost;
    if (this.#taken < this.#grantAt || this.#failure) return;
    this.#wire.send('credit', { channel: this.#channel, bytes: this.#taken });
    this.#allowed += this.#taken;
    this.#taken = 0;
  }

  /** A record that came. One that nobody granted ends the stream. */
  received(body: Uint8Array): void {
    this.#allowed -= relayHeaderBytes + body.length;
    if (this.#allowed >= 0) {
      this.messages.push(body);
      return;
    }
    this.#forget();
    this.#wire.send('close', { channel: this.#channel, code: relayNumberOf('relay.credit_exceeded') });
    this.over('relay.credit_exceeded');
  }

  async send(body: Uint8Array): Promise<void> {
    if (body.length > maxDataBytes) throw fail('relay.too_large', `a record of ${body.length} bytes`);
    const cost = relayHeaderBytes + body.length;
    if (this.#queued === 0) {
      if (this.#failure) throw this.#failure;
      if (this.#credit >= cost) return this.#sendNow(body, cost);
    }
    // Whoever waits is served in order: a later, smaller record does not pass.
    this.#queued += 1;
    const mine = this.#turn.then(() => this.#sendWhenGranted(body, cost));
    this.#turn = mine.catch(() => {});
    await mine;
  }

  #sendNow(body: Uint8Array, cost: number): void {
    this.#credit -= cost;
    this.#wire.send('data', { channel: this.#channel, body });
  }

  async #sendWhenGranted(body: Uint8Array, cost: number): Promise<void> {
    try {
      while (!this.#failure && this.#credit < cost) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#failure) throw this.#failure;
      this.#sendNow(body, cost);
    } finally {
      this.#queued -= 1;
    }
  }

  granted(bytes: number): void {
    this.#credit += bytes;
    this.#wake();
  }

  /** Over; null: in peace. */
  over(code: ErrorCode | null): void {
    if (this.#failure) return;
    this.#failure = fail(code ?? 'relay.not_reachable', 'the stream is over');
    this.messages.end(code === null ? null : this.#failure);
    this.#wake();
  }

  close(): void {
    if (this.#failure) return;
    this.#forget();
    this.#wire.send('close', { channel: this.#channel, code: 0 });
    this.over(null);
  }
}

interface Opening {
  readonly peer: Uint8Array;
  resolve(stream: RelayStream): void;
  reject(error: CaponierError): void;
}

/** The streams of one device. A break ends them all: whoever used one opens another. */
export class Streams {
  #wire: Wire | null = null;
  #window = 0;
  #next = 1;
  #handler: StreamHandler | null = null;
  readonly #opening = new Map<number, Opening>();
  readonly #open = new Map<number, Stream>();

  get wanted(): boolean {
    return this.#handler !== null;
  }

  handle(handler: StreamHandler): void {
    this.#handler = handler;
  }

  up(wire: Wire, { window }: Frame<'welcome'>): void {
    this.#wire = wire;
    this.#window = Math.min(window, MOST_WINDOW);
    this.#next = 1;
  }

  down(code: ErrorCode): void {
    this.#wire = null;
    for (const { reject } of this.#opening.values()) reject(fail(code));
    for (const stream of this.#open.values()) stream.over(code);
    this.#opening.clear();
    this.#open.clear();
  }

  openTo(peer: Uint8Array, purpose: number): Promise<RelayStream> {
    const wire = this.#wire;
    if (!wire) return Promise.reject(fail('relay.disconnected'));
    const channel = this.#next++;
    return new Promise((resolve, reject) => {
      this.#opening.set(channel, { peer, resolve, reject });
      wire.send('open', { channel, peer, purpose });
    });
  }

  #make(wire: Wire, channel: number, peer: Uint8Array): Stream {
    const stream = new Stream(wire, channel, peer, this.#window, () => this.#open.delete(channel));
    this.#open.set(channel, stream);
    return stream;
  }

  opened({ channel }: Frame<'opened'>): void {
    const opening = this.#opening.get(channel);
    if (!opening || !this.#wire) return;
    this.#opening.delete(channel);
    opening.resolve(this.#make(this.#wire, channel, opening.peer));
  }

  /** Somebody opens a stream to us. */
  offered({ channel, peer, purpose }: Frame<'open'>): void {
    const wire = this.#wire;
    if (!wire) return;
    const take = this.#handler?.(purpose, peer);
    if (!take) {
      wire.send('close', { channel, code: relayNumberOf('relay.not_reachable') });
      return;
    }
    wire.send('opened', { channel });
    take(this.#make(wire, channel, peer));
  }

  data({ channel, body }: Frame<'data'>): void {
    this.#open.get(channel)?.received(body);
  }

  credit({ channel, bytes }: Frame<'credit'>): void {
    this.#open.get(channel)?.granted(bytes);
  }

  close({ channel, code: number }: Frame<'close'>): void {
    const code = number === 0 ? null : relayErrorOf(number);
    this.#opening.get(channel)?.reject(fail(code ?? 'relay.not_reachable'));
    this.#opening.delete(channel);
    this.#open.get(channel)?.over(code);
    this.#open.delete(channel);
  }
}
