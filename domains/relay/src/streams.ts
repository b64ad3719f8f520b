import {
  channelOf,
  type ErrorCode,
  type Frame,
  fail,
  relayNumbered,
  relayNumberOf,
  setChannel,
} from '@caponier/protocol';
import { type Connection, type Half, nameOf, type Slot } from './connection.ts';
import type { RelayLimits } from './limits.ts';
import type { RelayMeter } from './meter.ts';
import type { Outbox } from './outbox.ts';
import type { Slots } from './slots.ts';

export interface StreamPorts {
  readonly outbox: Outbox;
  readonly slots: Slots;
  readonly limits: RelayLimits;
  readonly clock: () => number;
  readonly meter: RelayMeter;
  /** Whether this device may reach the one of that key, connected or not. */
  readonly mayReach: (from: Connection, to: Uint8Array) => Promise<boolean>;
}

/**
 * Streams: frames passed from one connection to another under credit.
 *
 * Threat: a reader that stops, to fill the relay's memory; a sender that ignores its credit. Measure: no end may send
 * more than the other has granted, the sum outstanding is bounded, and whoever breaks that loses the connection. So a
 * stream costs at most its window, and no record is ever dropped. What remains: many streams at once, bounded per
 * connection.
 */
export class Streams {
  readonly #ports: StreamPorts;
  /** Ends of the openers that wait, in the order they came. */
  readonly #opening = new Set<Half>();
  /** The clock when they were looked at last, or one was added. */
  #now = 0;

  constructor(ports: StreamPorts) {
    this.#ports = ports;
  }

  /** A `data` frame whose header holds. The hot path: no decoding, no copy. */
  pass(from: Connection, frame: Uint8Array): void {
    const half = this.#find(from, channelOf(frame));
    if (!half) return;
    if (!half.open) throw fail('relay.protocol', 'data before it was taken');
    half.credit -= frame.length;
    if (half.credit < 0) {
      this.#hit('window');
      throw fail('relay.credit_exceeded', 'data');
    }
    const peer = half.peer!;
    setChannel(frame, peer.channel);
    this.#ports.outbox.push(peer.connection, frame);
  }

  /** Undefined for a stream that is over: the other end may have closed it, and the news be on its way. */
  #find(from: Connection, channel: number): Half | undefined {
    const half = from.streams?.get(channel);
    if (half) return half;
    const used = channel >= relayNumbered ? channel < from.nextIncoming : channel < from.nextOpen;
    if (!used) throw fail('relay.protocol', 'no such stream');
    return undefined;
  }

  /** Refuses a stream that was asked for too soon after the others; its number is used up all the same. */
  refuseOpen(from: Connection, { channel }: Frame<'open'>): void {
    this.#count(from, channel);
    this.#refuse(from, channel, 'relay.rate_limited');
  }

  #count(from: Connection, channel: number): void {
    if (channel !== from.nextOpen || channel >= relayNumbered) throw fail('relay.protocol', 'streams are counted');
    from.nextOpen += 1;
  }

  async open(from: Connection, { channel, peer: key, purpose }: Frame<'open'>): Promise<void> {
    const { limits, slots, outbox, mayReach } = this.#ports;
    this.#count(from, channel);
    from.streams ??= new Map();
    if (from.streams.size >= limits.streams) {
      this.#hit('streams');
      return this.#refuse(from, channel, 'relay.too_many');
    }
    const half: Half = { connection: from, channel, peer: null, credit: 0, open: false, since: this.#settled() };
    from.streams.set(channel, half);
    this.#opening.add(half);
    // Permission before presence: whoever may not reach a device learns nothing, not even by the time it takes.
    const may = await mayReach(from, key);
    if (from.streams?.get(channel) !== half) return;
    const target = may ? slots.find(nameOf(key))?.streams : null;
    if (!target) return this.#end(half, 'relay.not_reachable');
    target.streams ??= new Map();
    const full = target.streams.size >= limits.streams ? 'streams' : null;
    const met = full ?? (this.#crowds(from, target) ? 'streamsOfContact' : null);
    if (met) {
      this.#hit(met);
      return this.#end(half, 'relay.too_many');
    }
    const channelThere = target.nextIncoming++;
    half.peer = { connection: target, channel: channelThere, peer: half, credit: 0, open: false, since: half.since };
    target.streams.set(channelThere, half.peer);
    outbox.send(target, 'open', { channel: channelThere, peer: from.ready.device.key, purpose });
  }

  #hit(limit: keyof RelayLimits): void {
    this.#ports.meter.add('limit_hits', limit);
  }

  /** A contact that takes all streams of a device would keep its owner away from it. */
  #crowds({ device }: Connection, target: Connection): boolean {
    const owner = device!.owner;
    if (owner === null || owner === target.device!.owner) return false;
    const opened = [...target.streams!].filter(
      ([channel, { peer }]) => channel >= relayNumbered && peer?.connection.device?.owner === owner,
    );
    return opened.length >= this.#ports.limits.streamsOfContact;
  }

  /** The device it was opened to takes the stream: both ends start with a window. */
  opened(from: Connection, { channel }: Frame<'opened'>): void {
    const half = this.#find(from, channel);
    if (!half) return;
    if (half.open || channel < relayNumbered) throw fail('relay.protocol', 'opened by the wrong end');
    const peer = half.peer!;
    this.#opening.delete(peer);
    this.#ports.meter.time('open', this.#ports.clock() - half.since);
    half.open = true;
    peer.open = true;
    half.credit = this.#ports.limits.window;
    peer.credit = this.#ports.limits.window;
    this.#ports.outbox.send(peer.connection, 'opened', { channel: peer.channel });
  }

  /** A reader grants its sender more. */
  credit(from: Connection, { channel, bytes }: Frame<'credit'>): void {
    const half = this.#find(from, channel);
    if (!half) return;
    if (!half.open) throw fail('relay.protocol', 'credit before it was taken');
    const peer = half.peer!;
    if (bytes === 0 || peer.credit + bytes > this.#ports.limits.maxWindow) {
      this.#hit('maxWindow');
      throw fail('relay.credit_exceeded', 'granted');
    }
    peer.credit += bytes;
    this.#ports.outbox.send(peer.connection, 'credit', { channel: peer.channel, bytes });
  }

  /** One end is done; the other is told. */
  close(from: Connection, { channel, code }: Frame<'close'>): void {
    const half = this.#find(from, channel);
    if (half) this.#drop(half, code);
  }

  #drop(half: Half, code: number): void {
    this.#opening.delete(half);
    half.connection.streams?.delete(half.channel);
    const { peer } = half;
    if (!peer) return;
    this.#opening.delete(peer);
    if (peer.connection.streams?.delete(peer.channel)) {
      this.#ports.outbox.send(peer.connection, 'close', { channel: peer.channel, code });
    }
  }

  /** The relay itself ends a stream: both ends are told. */
  #end(half: Half, code: ErrorCode): void {
    this.#refuse(half.connection, half.channel, code);
    this.#drop(half, relayNumberOf(code));
  }

  #refuse(to: Connection, channel: number, code: ErrorCode): void {
    this.#ports.outbox.send(to, 'close', { channel, code: relayNumberOf(code) });
  }

  /** The devices at the other ends of a device's streams. */
  peers(slot: Slot): ReadonlySet<Slot> {
    const peers = new Set<Slot>();
    for (const { peer } of halvesOf(slot)) if (peer?.connection.slot) peers.add(peer.connection.slot);
    return peers;
  }

  /** Ends the streams between two devices: for each, the other is not there any more. */
  part(slot: Slot, other: Slot): void {
    for (const half of halvesOf(slot)) {
      if (half.peer?.connection.slot === other) this.#end(half, 'relay.not_reachable');
    }
  }

  /** Ends all streams of a connection that is gone. */
  leave(connection: Connection): void {
    for (const half of connection.streams?.values() ?? []) {
      this.#drop(half, relayNumberOf('relay.not_reachable'));
    }
    connection.streams = null;
  }

  /** The clock. When it was set back, the time of all that wait begins anew: they would wait as much longer, else. */
  #settled(): number {
    const now = this.#ports.clock();
    if (now < this.#now) for (const half of this.#opening) half.since = Math.min(half.since, now);
    this.#now = now;
    return now;
  }

  sweep(): void {
    const now = this.#settled();
    for (const half of this.#opening) {
      if (now - half.since < this.#ports.limits.openMs) break;
      this.#hit('openMs');
      this.#end(half, 'relay.not_reachable');
    }
  }
}

/** The device's ends of all its streams. */
function halvesOf(slot: Slot): Half[] {
  return [...slot.connections].flatMap(({ streams }) => [...(streams?.values() ?? [])]);
}
