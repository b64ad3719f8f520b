import { setImmediate as nextTurn } from 'node:timers/promises';
import { CaponierError } from '@caponier/crypto';
import { type ErrorCode, entryOf, fail } from '@caponier/protocol';
import type { RelayLimits } from '../limits.ts';
import type { RelayMeter } from '../meter.ts';
import { type Letter, type MailLimits, mailLimitNames, type Taken } from '../store/mail.ts';
import type { RelayStore } from '../store/open.ts';

/** Messages, and bytes of their bodies, that wait for the store; above it `relay.unavailable`. */
const mostWaiting = 8_192;
const mostWaitingBytes = 48 * 1024 * 1024;
/** Messages, and bytes, that go to the store in one piece: bounds how long everybody else's writes wait. */
const mostTogether = 256;
const mostBytesTogether = 4 * 1024 * 1024;
/** Milliseconds that a batch waits for company at most. */
const mostGathering = 4;
/** Milliseconds for which no mail is taken after the storage said that it is full. */
const fullMs = 10_000;
/** Part of the storage that mail may not take: room for acknowledgements, owners and revocations. */
const reserved = 1 / 32;

export interface IntakePorts {
  readonly store: RelayStore;
  readonly limits: RelayLimits;
  readonly clock: () => number;
  readonly meter: RelayMeter;
}

interface Pending {
  readonly letter: Letter;
  resolve(seq: number | null): void;
  reject(error: unknown): void;
}

/**
 * Messages on their way into the store. What comes while the store is busy goes to it together: one message between
 * threads, one fsync. Nobody is answered before it is durable.
 *
 * Threat: mail fills the disk; then nothing can be written, and no acknowledgement ever makes room again. Measure: mail
 * stops before the last part is taken, and for a while after the storage said that it is full, so that what makes room
 * goes on alone. What remains: a disk that others fill.
 */
export class Intake {
  readonly #ports: IntakePorts;
  readonly #limits: MailLimits;
  #waiting: Pending[] = [];
  #bytes = 0;
  #busy = false;
  /** Messages in the last batch, and milliseconds it took. */
  #last = 0;
  #took = 0;
  /** Ends the wait for company: as many are here as came together before. */
  #complete: (() => void) | null = null;
  #fullUntil = 0;

  constructor(ports: IntakePorts) {
    this.#ports = ports;
    this.#limits = Object.fromEntries(mailLimitNames.map((name) => [name, ports.limits[name]])) as MailLimits;
  }

  /** Milliseconds until mail is taken again; 0 while it is. */
  wait(now: number): number {
    // No longer than from now, where the clock was set back.
    this.#fullUntil = Math.min(this.#fullUntil, now + fullMs);
    return Math.max(0, this.#fullUntil - now);
  }

  /**
   * The number given to the message, or null for one that was taken before. Throws `relay.not_reachable`,
   * `relay.id_reused`, `relay.mailbox_full`, `relay.sender_full`, `relay.too_many`, `relay.unavailable`, `store.*`.
   */
  keep(letter: Letter): Promise<number | null> {
    if (this.#waiting.length >= mostWaiting || this.#bytes + letter.body.length > mostWaitingBytes) {
      return Promise.reject(fail('relay.unavailable', 'too much mail waits for the store'));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ letter, resolve, reject });
      this.#bytes += letter.body.length;
      if (this.#waiting.length >= this.#last) this.#complete?.();
      if (this.#busy) return;
      this.#busy = true;
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      await this.#write(this.#next());
    }
    this.#busy = false;
  }

  /**
   * A sync costs the same for one message as for a hundred. So what comes in this turn goes along; and where many came
   * together before, they are waited for: for less time than a batch of their own would take.
   */
  async #gather(): Promise<void> {
    await nextTurn();
    const most = Math.min(mostGathering, Math.ceil(this.#took / 2));
    if (most === 0 || this.#waiting.length >= this.#last) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, most);
      this.#complete = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#complete = null;
  }

  #next(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const { letter } of this.#waiting) {
      bytes += letter.body.length;
      if (count > 0 && (count >= mostTogether || bytes > mostBytesTogether)) {
        bytes -= letter.body.length;
        break;
      }
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #write(batch: readonly Pending[]): Promise<void> {
    const { store, clock } = this.#ports;
    const began = clock();
    this.#last = batch.length;
    try {
      const letters = batch.map(({ letter }) => letter);
      const outcomes = await store.run('takeMail', { letters, limits: this.#limits, now: began });
      this.#took = clock() - began;
      for (const [i, pending] of batch.entries()) this.#settle(pending, outcomes[i]!);
    } catch (error) {
      if (error instanceof CaponierError && entryOf(error).code === 'store.full') this.#stop();
      for (const { reject } of batch) reject(error);
    }
  }

  #settle({ resolve, reject }: Pending, outcome: Taken): void {
    if (outcome === null || typeof outcome === 'number') resolve(outcome);
    else if (outcome === 'not_allowed') reject(fail('relay.not_reachable', 'not allowed'));
    else if (outcome === 'id_reused') reject(fail('relay.id_reused'));
    else {
      this.#ports.meter.add('limit_hits', outcome);
      reject(fail(codeOfLimit(outcome), outcome));
    }
  }

  #stop(): void {
    this.#fullUntil = this.#ports.clock() + fullMs;
  }

  /** How much of the storage is in use, of 1: as the store was asked last. */
  fill(share: number): void {
    if (share > 1 - reserved) this.#stop();
  }
}

/** A box that is full is the recipient's; a share that is used up is the sender's. */
function codeOfLimit(limit: keyof MailLimits): ErrorCode {
  if (limit === 'devicesPerOwner') return 'relay.too_many';
  return limit.startsWith('sender') || limit.startsWith('contactMail') ? 'relay.sender_full' : 'relay.mailbox_full';
}
