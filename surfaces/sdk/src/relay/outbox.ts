import { type CaponierError, type Random, toBase64url } from '@caponier/crypto';
import { type ErrorCode, type Frame, fail, maxMailBytes, relayErrorOf } from '@caponier/protocol';
import { refusal } from '../transport/later.ts';
import { OUTBOX_BYTES, OUTBOX_FLYING, OUTBOX_MAILS, OUTBOX_PAUSE, RETRY_JITTER } from './limits.ts';
import type { Wire } from './wire.ts';

interface Letter {
  readonly to: Uint8Array;
  readonly id: Uint8Array;
  readonly name: string;
  /** How long the relay may keep it; 0 as it likes. */
  readonly seconds: number;
  readonly body: Uint8Array;
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: CaponierError): void;
  flying: boolean;
}

/**
 * Mail on its way to the relay, in order, across breaks: what was not answered is sent again, and the relay stores it
 * once. A letter is settled by `accepted`, which means durable, or by a refusal.
 */
export class Outbox {
  readonly #pause: (milliseconds: number) => Promise<void>;
  readonly #random: Random;
  /** By id, in the order they were given. */
  readonly #letters = new Map<string, Letter>();
  #bytes = 0;
  #wire: Wire | null = null;
  #flying = 0;
  #pausing = false;

  constructor(pause: (milliseconds: number) => Promise<void>, random: Random) {
    this.#pause = pause;
    this.#random = random;
  }

  up(wire: Wire): void {
    this.#wire = wire;
    this.#flying = 0;
    for (const letter of this.#letters.values()) letter.flying = false;
    this.#pump();
  }

  /** A break: letters wait for the next connection. */
  down(): void {
    this.#wire = null;
  }

  /** There is no next connection. */
  fail(code: ErrorCode): void {
    for (const letter of this.#letters.values()) letter.reject(fail(code));
    this.#letters.clear();
    this.#bytes = 0;
  }

  /** The same id again is the same letter. Throws `relay.too_many` when too much waits, and the relay's refusals. */
  send(to: Uint8Array, id: Uint8Array, body: Uint8Array, seconds = 0): Promise<void> {
    const name = toBase64url(id);
    const known = this.#letters.get(name);
    if (known) return known.promise;
    if (body.length > maxMailBytes) return Promise.reject(fail('relay.too_large', `mail of ${body.length} bytes`));
    if (this.#letters.size >= OUTBOX_MAILS || this.#bytes + body.length > OUTBOX_BYTES) {
      return Promise.reject(fail('relay.too_many', 'mail waits for the relay'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#letters.set(name, { to, id, name, seconds, body, promise, resolve, reject, flying: false });
    this.#bytes += body.length;
    this.#pump();
    return promise;
  }

  #pump(): void {
    const wire = this.#wire;
    if (!wire || this.#pausing) return;
    for (const letter of this.#letters.values()) {
      if (this.#flying >= OUTBOX_FLYING) return;
      if (letter.flying) continue;
      letter.flying = true;
      this.#flying += 1;
      wire.send('mail', { to: letter.to, id: letter.id, seconds: letter.seconds, body: letter.body });
    }
  }

  #settled(id: Uint8Array): Letter | undefined {
    const letter = this.#letters.get(toBase64url(id));
    if (!letter?.flying) return undefined;
    this.#flying -= 1;
    return letter;
  }

  #drop(letter: Letter): void {
    this.#letters.delete(letter.name);
    this.#bytes -= letter.body.length;
    this.#pump();
  }

  accepted({ id }: Frame<'accepted'>): void {
    const letter = this.#settled(id);
    if (!letter) return;
    this.#drop(letter);
    letter.resolve();
  }

  refused({ id, code: number, retry }: Frame<'refused'>): void {
    const letter = this.#settled(id);
    if (!letter) return;
    const code = relayErrorOf(number);
    if (code === 'relay.rate_limited') {
      letter.flying = false;
      void this.#slowDown(retry * 1_000);
      return;
    }
    this.#drop(letter);
    letter.reject(refusal(code, retry));
  }

  /** Never sooner than the relay said; and not all who were told so at the same moment. */
  async #slowDown(told: number): Promise<void> {
    if (this.#pausing) return;
    this.#pausing = true;
    const chance = this.#random(1)[0]! / 256;
    await this.#pause(Math.ceil((told || OUTBOX_PAUSE) * (1 + RETRY_JITTER * chance)));
    this.#pausing = false;
    this.#pump();
  }
}
