import { type ErrorCode, encodeFrame, entryOf, type Frame, fail } from '@caponier/protocol';
import { type Connection, type MailFeed, nameOf, type Slot } from '../connection.ts';
import type { RelayLimits } from '../limits.ts';
import type { RelayMeter } from '../meter.ts';
import type { Outbox } from '../outbox.ts';
import type { Slots } from '../slots.ts';
import type { RelayStore } from '../store/open.ts';

export interface DeliveryPorts {
  readonly store: RelayStore;
  readonly outbox: Outbox;
  readonly slots: Slots;
  readonly limits: RelayLimits;
  readonly clock: () => number;
  readonly meter: RelayMeter;
  readonly log: (code: ErrorCode, error: unknown) => void;
}

/**
 * Mail on its way out: in order, to one connection of the recipient, within a window; deleted when that connection says
 * it has it.
 */
export class Deliveries {
  readonly #ports: DeliveryPorts;
  /** Connections whose acknowledgement could not be written: tried again at the next look. */
  readonly #unwritten = new Set<Connection>();

  constructor(ports: DeliveryPorts) {
    this.#ports = ports;
  }

  /** From memory to a listener that has everything before it; else the store is read when there is room. */
  arrived(to: Uint8Array, seq: number, sender: Uint8Array, id: Uint8Array, body: Uint8Array): void {
    const connection = this.#ports.slots.find(nameOf(to))?.mail;
    const feed = connection?.feed;
    if (!connection || !feed) return;
    if (!this.#hasRoom(feed)) {
      const { mailWindow } = this.#ports.limits;
      this.#ports.meter.add('limit_hits', feed.flying.length < mailWindow ? 'mailWindowBytes' : 'mailWindow');
    }
    if (feed.reading || seq !== feed.next + 1 || !this.#hasRoom(feed)) {
      void this.#read(connection, feed);
      return;
    }
    this.#give(connection, feed, seq, sender, id, body);
  }

  #hasRoom(feed: MailFeed): boolean {
    const { mailWindow, mailWindowBytes } = this.#ports.limits;
    return feed.flying.length < mailWindow && feed.flyingBytes < mailWindowBytes;
  }

  #give(to: Connection, feed: MailFeed, seq: number, sender: Uint8Array, id: Uint8Array, body: Uint8Array): void {
    feed.next = seq;
    feed.flying.push({ seq, bytes: body.length });
    feed.flyingBytes += body.length;
    this.#ports.outbox.push(to, encodeFrame('deliver', { seq, from: sender, id, body }));
  }

  /** This connection takes the device's mail from now on, beginning after what was acknowledged last. */
  async listen(connection: Connection, wanted: boolean): Promise<void> {
    const slot = connection.ready;
    if (!wanted) {
      if (slot.mail === connection) slot.mail = null;
      return;
    }
    slot.mail = connection;
    connection.feed ??= {
      next: 0,
      acked: 0,
      flying: [],
      flyingBytes: 0,
      reading: false,
      again: false,
      ackWanted: 0,
      acking: false,
    };
    await this.#read(connection, connection.feed);
  }

  /** Reads what waits and gives it out, as far as the window allows. Numbers may be missing: what was too old is gone. */
  async #read(connection: Connection, feed: MailFeed): Promise<void> {
    feed.again = true;
    if (feed.reading) return;
    feed.reading = true;
    const { store, limits, clock, log } = this.#ports;
    try {
      while (feed.again && this.#hasRoom(feed) && connection.slot?.mail === connection) {
        feed.again = false;
        const most = limits.mailWindow - feed.flying.length;
        const { mail, acked } = await store.read('mailAfter', {
          device: connection.slot.device.key,
          after: feed.next,
          most,
          bytes: limits.mailWindowBytes - feed.flyingBytes,
          now: clock(),
        });
        if (connection.slot?.mail !== connection) return;
        feed.next = Math.max(feed.next, acked);
        settle(feed, acked);
        for (const { seq, sender, id, body } of mail) this.#give(connection, feed, seq, sender, id, body);
        // There may be more than was asked for.
        if (mail.length > 0) feed.again = true;
      }
    } catch (error) {
      log(entryOf(error).code, error);
    } finally {
      feed.reading = false;
    }
  }

  /** The recipient has all mail up to here: forget it. Acknowledgements that come meanwhile become one. */
  async ack(connection: Connection, { seq }: Frame<'ack'>): Promise<void> {
    const slot = connection.ready;
    const { feed } = connection;
    if (!feed || seq > feed.next) throw fail('relay.protocol', 'an acknowledgement of what was not given');
    if (seq <= feed.acked) return;
    settle(feed, seq);
    feed.ackWanted = seq;
    await this.#write(connection, slot, feed);
    await this.#read(connection, feed);
  }

  async #write(connection: Connection, slot: Slot, feed: MailFeed): Promise<void> {
    if (feed.acking) return;
    feed.acking = true;
    const { store, meter, log } = this.#ports;
    try {
      let written = 0;
      while (written < feed.ackWanted) {
        written = feed.ackWanted;
        const deleted = await store.run('ackMail', { device: slot.device.key, seq: written });
        if (deleted > 0) meter.add('mail', 'delivered', deleted);
      }
      this.#unwritten.delete(connection);
    } catch (error) {
      // The mail stays, and is given out again on the next connection: at least once.
      if (connection.state === 'ready') this.#unwritten.add(connection);
      log(entryOf(error).code, error);
    } finally {
      feed.acking = false;
    }
  }

  sweep(): void {
    for (const connection of this.#unwritten) {
      const { slot, feed, state } = connection;
      if (state !== 'ready' || !slot || !feed) this.#unwritten.delete(connection);
      else void this.#write(connection, slot, feed);
    }
  }
}

/** What is acknowledged leaves the window. */
function settle(feed: MailFeed, acked: number): void {
  feed.acked = Math.max(feed.acked, acked);
  let done = 0;
  while (done < feed.flying.length && feed.flying[done]!.seq <= acked) feed.flyingBytes -= feed.flying[done++]!.bytes;
  feed.flying.splice(0, done);
}
