import { toBase64url } from '@caponier/crypto';
import { type ErrorCode, entryOf, type Frame, fail } from '@caponier/protocol';
import { type Connection, nameOf, type Slot } from './connection.ts';
import type { Turns } from './door/proving.ts';
import type { RelayLimitName, RelayLimits } from './limits.ts';
import type { RelayLog } from './log.ts';
import type { Mail } from './mail.ts';
import type { Meetings } from './meetings.ts';
import type { RelayMeter } from './meter.ts';
import type { Outbox } from './outbox.ts';
import type { Owners } from './owners/owners.ts';
import type { Prekeys } from './prekeys.ts';
import type { Reach } from './reach.ts';
import type { Slots } from './slots.ts';
import type { RelayStore } from './store/open.ts';
import type { Streams } from './streams.ts';

export interface DeskPorts {
  readonly outbox: Outbox;
  readonly slots: Slots;
  readonly streams: Streams;
  readonly reach: Reach;
  readonly mail: Mail;
  readonly meetings: Meetings;
  readonly prekeys: Prekeys;
  readonly owners: Owners;
  readonly turns: Turns;
  readonly store: RelayStore;
  readonly limits: RelayLimits;
  readonly clock: () => number;
  readonly log: RelayLog;
  readonly meter: RelayMeter;
}

/** Statements, each a signature to check, that count as one request. */
const statementsARequest = 8;

/** What a device may ask for, once it has proven itself; everything but the `data` of streams. */
export class Desk {
  readonly #ports: DeskPorts;

  constructor(ports: DeskPorts) {
    this.#ports = ports;
  }

  /** Work that takes longer is answered later. Throws, at once or later, what ends the connection. */
  take(connection: Connection, slot: Slot, frame: Frame): Promise<void> | void {
    const { outbox, streams, mail, meetings } = this.#ports;
    switch (frame.type) {
      case 'ping':
        return outbox.send(connection, 'pong', {});
      case 'pong':
        return;
      case 'mail':
        return mail.take(connection, frame);
      case 'ack':
        return mail.ack(connection, frame);
      case 'listen':
        if (frame.streams) slot.streams = connection;
        else if (slot.streams === connection) slot.streams = null;
        return mail.listen(connection, frame.mail);
      case 'open':
        return this.#mayAsk(slot) ? streams.open(connection, frame) : streams.refuseOpen(connection, frame);
      case 'opened':
        return streams.opened(connection, frame);
      case 'credit':
        return streams.credit(connection, frame);
      case 'close':
        return streams.close(connection, frame);
      case 'say':
        return meetings.say(connection, frame);
      case 'leave':
        return meetings.leave(connection, frame);
      case 'meet':
      case 'offer':
      case 'fetch':
      case 'allow':
      case 'news':
        return this.#request(connection, slot, frame);
      default:
        throw fail('relay.protocol', `${frame.type} from a device`);
    }
  }

  #mayAsk(slot: Slot, statements = 0): boolean {
    const { limits, slots, clock } = this.#ports;
    const requests = Math.min(limits.requestsPerMinute, Math.max(1, Math.ceil(statements / statementsARequest)));
    return slots.mayAsk(slot, requests, clock());
  }

  /** Requests answer on their number with what was asked for, `done`, or `error`; a broken frame ends the connection. */
  async #request(connection: Connection, slot: Slot, frame: Frame<'meet' | 'offer' | 'fetch' | 'allow' | 'news'>) {
    const { outbox, meetings, prekeys, owners, turns, log, meter } = this.#ports;
    const { channel } = frame;
    if (channel === 0) throw fail('relay.protocol', 'a request without a number');
    try {
      if (!this.#mayAsk(slot, 'statements' in frame ? frame.statements.length : 0)) throw fail('relay.rate_limited');
      switch (frame.type) {
        case 'meet':
          if (!frame.join) meetings.open(connection, frame);
          else if (!meetings.join(connection, frame)) throw fail('relay.no_meeting');
          return;
        case 'fetch':
          return outbox.send(connection, 'prekeys', { channel, statement: await prekeys.fetch(connection, frame) });
        case 'offer':
          await prekeys.offer(connection, frame, turns.pace(true));
          break;
        case 'allow':
          await this.#allow(slot, frame);
          break;
        case 'news':
          this.#mayTell(frame);
          await owners.present(frame.statements, turns.pace(true));
          break;
      }
      outbox.send(connection, 'done', { channel });
    } catch (error) {
      const { code } = entryOf(error);
      if (code === 'relay.protocol') throw error;
      const limit = limitOf[frame.type];
      if (code === 'relay.too_many' && limit) meter.add('limit_hits', limit);
      if (code.startsWith('store.') || code === 'host.internal') log('relay.storage_failed', { code });
      outbox.error(connection, channel, onWire(code));
    }
  }

  #mayTell({ statements }: Frame<'news'>): void {
    const { limits, meter } = this.#ports;
    if (statements.length <= limits.newsStatements) return;
    meter.add('limit_hits', 'newsStatements');
    throw fail('relay.too_many', 'statements');
  }

  async #allow(slot: Slot, { device, id, verdict }: Frame<'allow'>): Promise<void> {
    const { store, limits } = this.#ports;
    const kind = device ? 1 : 0;
    await store.run('judgeContact', { device: slot.device.key, kind, id, verdict, most: limits.contacts });
    if (verdict === 'block') await this.#part(slot, device, id);
  }

  /** Ends the streams with whom a device blocked, but for those that need no place on its list. */
  async #part(slot: Slot, device: boolean, id: Uint8Array): Promise<void> {
    const { streams, reach } = this.#ports;
    const name = device ? nameOf(id) : toBase64url(id);
    for (const peer of streams.peers(slot)) {
      if ((device ? peer.name : peer.device.owner) !== name) continue;
      if (!(await reach.allows(peer, slot.device.key))) streams.part(slot, peer);
    }
  }
}

/** The limit that a request met which failed with `relay.too_many`; others have several, and count by themselves. */
const limitOf: { readonly [N in Frame['type']]?: RelayLimitName } = {
  offer: 'prekeys',
  allow: 'contacts',
};

/** What a request failed with, in the relay's own codes: what else happened inside is not the peer's to know. */
function onWire(code: ErrorCode): ErrorCode {
  if (code.startsWith('relay.')) return code;
  if (code === 'store.full') return 'relay.storage_full';
  return code.startsWith('statement.') || code.startsWith('owner.') ? 'relay.bad_statement' : 'relay.unavailable';
}
