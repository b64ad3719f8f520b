import type { CaponierError } from '@caponier/crypto';
import { type ErrorCode, type Frame, fail, relayErrorOf } from '@caponier/protocol';
import type { RelayMeeting } from '../link/relay-port.ts';
import { MEETING_BYTES } from './limits.ts';
import { Queue } from './queue.ts';
import type { Wire } from './wire.ts';

/** A meeting with both parties in it. */
export class MeetingEnd implements RelayMeeting {
  readonly messages = new Queue();
  readonly #wire: Wire;
  readonly #channel: number;
  readonly #left: () => void;
  #heard = 0;
  #failure: CaponierError | null = null;

  /** `left` is called when we leave. */
  constructor(wire: Wire, channel: number, left: () => void) {
    this.#wire = wire;
    this.#channel = channel;
    this.#left = left;
  }

  async send(body: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#wire.send('say', { channel: this.#channel, body });
  }

  /** What the other party said. A relay that lets through more than a meeting may carry ends it. */
  said(body: Uint8Array): void {
    this.#heard += body.length;
    if (this.#heard <= MEETING_BYTES) {
      this.messages.push(body);
      return;
    }
    this.leave();
  }

  /** Over, from outside; null: in peace. */
  over(code: ErrorCode | null): void {
    if (this.#failure) return;
    this.#failure = fail(code ?? 'relay.meeting_over');
    this.messages.end(code === null ? null : this.#failure);
  }

  leave(): void {
    if (this.#failure) return;
    this.#wire.send('leave', { channel: this.#channel, code: 0 });
    this.over(null);
    this.#left();
  }
}

/** What a `leave` says: null for a party that left in peace. */
export function reasonOf(code: number): ErrorCode | null {
  return code === 0 ? null : relayErrorOf(code);
}

interface Held {
  readonly name: Uint8Array;
  /** Its number on this connection; null while there is none. */
  channel: number | null;
  end: MeetingEnd | null;
  opened(): void;
  refused(error: CaponierError): void;
  met(meeting: RelayMeeting): void;
}

/** Meetings that this device opens: where codes wait for whoever was given them. */
export class Meetings {
  readonly #number: () => number;
  #wire: Wire | null = null;
  readonly #held = new Set<Held>();

  constructor(number: () => number) {
    this.#number = number;
  }

  /** A relay forgets meetings when it restarts: those where nobody has come yet are opened again. */
  up(wire: Wire): void {
    this.#wire = wire;
    for (const held of this.#held) this.#ask(held);
  }

  down(code: ErrorCode): void {
    this.#wire = null;
    for (const held of this.#held) {
      held.channel = null;
      if (!held.end) continue;
      held.end.over(code);
      this.#held.delete(held);
    }
  }

  /** There is no next connection. */
  fail(code: ErrorCode): void {
    for (const held of this.#held) held.refused(fail(code));
    this.#held.clear();
  }

  open(name: Uint8Array): Promise<{ readonly met: Promise<RelayMeeting>; leave(): void }> {
    const met = Promise.withResolvers<RelayMeeting>();
    // Whoever only wanted to know that it is open does not have to look at it.
    met.promise.catch(() => {});
    return new Promise((resolve, reject) => {
      const held: Held = {
        name,
        channel: null,
        end: null,
        opened: () => resolve({ met: met.promise, leave: () => this.#leave(held) }),
        refused: (error) => {
          reject(error);
          met.reject(error);
        },
        met: met.resolve,
      };
      this.#held.add(held);
      this.#ask(held);
    });
  }

  #ask(held: Held): void {
    if (!this.#wire) return;
    held.channel = this.#number();
    this.#wire.send('meet', { channel: held.channel, join: false, name: held.name });
  }

  #leave(held: Held): void {
    if (held.end) held.end.leave();
    else if (held.channel !== null) this.#wire?.send('leave', { channel: held.channel, code: 0 });
    this.#held.delete(held);
    held.refused(fail('relay.meeting_over'));
  }

  #find(channel: number): Held | undefined {
    for (const held of this.#held) if (held.channel === channel) return held;
    return undefined;
  }

  met({ channel, together }: Frame<'met'>): void {
    const held = this.#find(channel);
    if (!held || !this.#wire) return;
    held.opened();
    if (!together) return;
    held.end = new MeetingEnd(this.#wire, channel, () => this.#held.delete(held));
    held.met(held.end);
  }

  say({ channel, body }: Frame<'say'>): void {
    this.#find(channel)?.end?.said(body);
  }

  leave({ channel, code }: Frame<'leave'>): void {
    const held = this.#find(channel);
    if (!held) return;
    this.#held.delete(held);
    held.end?.over(reasonOf(code));
    held.refused(fail(reasonOf(code) ?? 'relay.meeting_over'));
  }

  /** True where the error was the answer to one of these. */
  error({ channel, code }: Frame<'error'>): boolean {
    const held = this.#find(channel);
    if (!held) return false;
    this.#held.delete(held);
    held.refused(fail(relayErrorOf(code)));
    return true;
  }
}
