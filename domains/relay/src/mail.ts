import { CaponierError } from '@caponier/crypto';
import { type ErrorCode, entryOf, type Frame, relayNumberOf } from '@caponier/protocol';
import type { Connection } from './connection.ts';
import { Deliveries, type DeliveryPorts } from './mail/deliveries.ts';
import { Intake } from './mail/intake.ts';
import { ownerKey, type Reach } from './reach.ts';

export interface MailPorts extends DeliveryPorts {
  readonly reach: Reach;
}

/** Milliseconds between two looks at what is too old, and messages deleted at one: bounds how long the writer is busy. */
const tidyMs = 5_000;
const mostExpired = 1_000;

/** Seconds after which a message that was refused for this may find room. */
const retrySeconds: Partial<Record<ErrorCode, number>> = {
  'relay.mailbox_full': 60,
  'relay.sender_full': 60,
  'relay.too_many': 60,
  'relay.unavailable': 5,
  'relay.storage_full': 15,
};

/**
 * Mail: `accepted` goes out after the message is durable, never before; it is given out in order, to one connection of
 * the recipient, within a window; and deleted when that connection says it has it, or when it is too old. So a crash on
 * any side, at any moment, loses nothing and at worst repeats.
 */
export class Mail {
  readonly #ports: MailPorts;
  readonly #intake: Intake;
  readonly #deliveries: Deliveries;
  #tidied = 0;

  constructor(ports: MailPorts) {
    this.#ports = ports;
    this.#intake = new Intake(ports);
    this.#deliveries = new Deliveries(ports);
  }

  async take(from: Connection, frame: Frame<'mail'>): Promise<void> {
    const { outbox, slots, limits, clock, reach, meter } = this.#ports;
    const slot = from.ready;
    const { id, to, body, seconds } = frame;
    const now = clock();
    if (!slots.mayMail(slot, now)) return this.#refuse(from, id, 'relay.rate_limited', slots.mailWait(slot, now));
    const full = this.#intake.wait(now);
    if (full > 0) return this.#refuse(from, id, 'relay.storage_full', Math.ceil(full / 1_000));
    try {
      // A device's relation is known at once, and not awaited: its mails go to the store in the order they came.
      const relation = reach.relation(slot, to);
      const { family, serves } = relation instanceof Promise ? await relation : relation;
      const sender = slot.device.key;
      const life = Math.min(seconds === 0 ? limits.mailSeconds : seconds, limits.mailSecondsMost);
      if (life < seconds) meter.add('limit_hits', 'mailSecondsMost');
      const seq = await this.#intake.keep({
        sender,
        senderOwner: ownerKey(slot.device.owner),
        recipient: to,
        family,
        serves,
        id,
        body,
        expires: now + life * 1_000,
      });
      outbox.send(from, 'accepted', { id });
      meter.add('mail', seq === null ? 'repeated' : 'accepted');
      meter.time('mail', clock() - now);
      if (seq !== null) this.#deliveries.arrived(to, seq, sender, id, body);
    } catch (error) {
      const code = this.#codeOf(error);
      this.#refuse(from, id, code, retrySeconds[code] ?? 0);
    }
  }

  #refuse(to: Connection, id: Uint8Array, code: ErrorCode, retry: number): void {
    this.#ports.meter.add('mail', 'refused');
    this.#ports.outbox.send(to, 'refused', { id, code: relayNumberOf(code), retry: Math.min(retry, 0xffff) });
  }

  #codeOf(error: unknown): ErrorCode {
    const { code } = entryOf(error);
    if (error instanceof CaponierError && code.startsWith('relay.')) return code;
    this.#ports.log(code, error);
    return code === 'store.full' ? 'relay.storage_full' : 'relay.unavailable';
  }

  listen(connection: Connection, wanted: boolean): Promise<void> {
    return this.#deliveries.listen(connection, wanted);
  }

  ack(connection: Connection, frame: Frame<'ack'>): Promise<void> {
    return this.#deliveries.ack(connection, frame);
  }

  sweep(now: number): void {
    this.#deliveries.sweep();
    // Also when the clock was set back since.
    if (Math.abs(now - this.#tidied) < tidyMs) return;
    this.#tidied = now;
    void this.#tidy(now);
  }

  /** Deletes what is too old, and looks at how full the storage is. */
  async #tidy(now: number): Promise<void> {
    const { store, meter, log } = this.#ports;
    try {
      const { expired, share } = await store.run('tidyMail', { now, most: mostExpired });
      if (expired > 0) meter.add('mail', 'expired', expired);
      this.#intake.fill(share);
    } catch (error) {
      log(entryOf(error).code, error);
    }
  }
}
