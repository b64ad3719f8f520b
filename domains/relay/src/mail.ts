import { CaponierError } from '@caponier/crypto';
import { type ErrorCode, encodeFrame, entryOf, type Frame, fail, relayNumberOf } from '@caponier/protocol';
import { type Connection, type MailFeed, nameOf, type Slot } from './connection.ts';
import type { RelayLimits } from './limits.ts';
import type { Outbox } from './outbox.ts';
import { ownerKey, type Reach } from './reach.ts';
import type { Slots } from './slots.ts';
import type { RelayStore } from './store/open.ts';

export interface MailPorts {
  readonly store: RelayStore;
  readonly outbox: Outbox;
  readonly slots: Slots;
  readonly limits: RelayLimits;
  readonly clock: () => number;
  readonly reach: Reach;
  readonly log: (code: ErrorCode, error: unknown) => void;
}

/**
 * Mail: `accepted` goes out after the message is durable, never before; it is given out in order, to one connection of
 * the recipient, within a window; and deleted when that connection says it has it. So a crash on any side, at any
 * moment, loses nothing and at worst repeats.
 */
export class Mail {
  readonly #ports: MailPorts;

  constructor(ports: MailPorts) {
    this.#ports = ports;
  }

  async take(from: Connection, frame: Frame<'mail'>): Promise<void> {
    const { store, outbox, slots, limits, clock, reach } = this.#ports;
    const slot = from.ready;
    const { id, to, body } = frame;
    const now = clock();
    if (!slots.mayMail(slot, now)) return this.#refuse(from, id, 'relay.rate_limited', slots.mailWait(slot, now));
    try {
      // A device's relation is known at once, and not awaited: its mails go to the store in the order they came.
      const relation = reach.relation(slot, to);
      const { family, serves } = relation instanceof Promise ? await relation : relation;
      const { seq } = await store.run('takeMail', {
        sender: slot.device.key,
        senderOwner: ownerKey(slot.device.owner),
        recipient: to,
        family,
        serves,
        id,
        body,
        now,
        pendingMail: limits.pendingMail,
        pendingMailBytes: limits.pendingMailBytes,
        ownerMailBytes: limits.ownerMailBytes,
        devicesPerOwner: limits.devicesPerOwner,
      });
      outbox.send(from, 'accepted', { id });
      if (seq !== null) this.#arrived(to, seq, slot.device.key, frame);
    } catch (error) {
      this.#refuse(from, id, this.#codeOf(error));
    }
  }

  #refuse(to: Connection, id: Uint8Array, code: ErrorCode, retry = 0): void {
    this.#ports.outbox.send(to, 'refused', { id, code: relayNumberOf(code), retry: Math.min(retry, 0xffff) });
  }

  #codeOf(error: unknown): ErrorCode {
    const { code } = entryOf(error);
    if (error instanceof CaponierError && code.startsWith('relay.')) return code;
    this.#ports.log(code, error);
    return 'relay.unavailable';
  }

  /** From memory to a listener that has everything before it; else the store is read when there is room. */
  #arrived(to: Uint8Array, seq: number, sender: Uint8Array, { id, body }: Frame<'mail'>): void {
    const connection = this.#ports.slots.find(nameOf(to))?.mail;
    const feed = connection?.feed;
    if (!connection || !feed) return;
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

  /** Reads what waits and gives it out, as far as the window allows. */
  async #read(connection: Connection, feed: MailFeed): Promise<void> {
    feed.again = true;
    if (feed.reading) return;
    feed.reading = true;
    const { store, limits, log } = this.#ports;
    try {
      while (feed.again && this.#hasRoom(feed) && connection.slot?.mail === connection) {
        feed.again = false;
        const most = limits.mailWindow - feed.flying.length;
        const { mail, acked } = await store.read('mailAfter', {
          device: connection.slot.device.key,
          after: feed.next,
          most,
          bytes: limits.mailWindowBytes - feed.flyingBytes,
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
    if (!feed.acking) {
      feed.acking = true;
      try {
        await this.#writeAcks(slot, feed);
      } catch (error) {
        // It stays, and is given out again on the next connection: at least once.
        this.#ports.log(entryOf(error).code, error);
      } finally {
        feed.acking = false;
      }
    }
    await this.#read(connection, feed);
  }

  async #writeAcks(slot: Slot, feed: MailFeed): Promise<void> {
    let written = 0;
    while (written < feed.ackWanted) {
      written = feed.ackWanted;
      await this.#ports.store.run('ackMail', { device: slot.device.key, seq: written });
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
