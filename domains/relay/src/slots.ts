import { fail } from '@caponier/protocol';
import type { Admitted } from './admission/admission.ts';
import { type Connection, nameOf, type Slot } from './connection.ts';
import type { RelayLimits } from './limits.ts';
import { fullBucket, type Rate, secondsToNext, take } from './rates.ts';

export class Slots {
  readonly #limits: RelayLimits;
  readonly #mailRate: Rate;
  readonly #requestRate: Rate;
  readonly #byName = new Map<string, Slot>();
  readonly #byOwner = new Map<string, Set<Slot>>();

  constructor(limits: RelayLimits) {
    this.#limits = limits;
    this.#mailRate = { burst: limits.mailBurst, perMinute: limits.mailPerMinute };
    this.#requestRate = { burst: limits.requestsPerMinute, perMinute: limits.requestsPerMinute };
  }

  /** The slot of a connected device. */
  find(name: string): Slot | undefined {
    return this.#byName.get(name);
  }

  ofOwner(owner: string): Iterable<Slot> {
    return this.#byOwner.get(owner) ?? [];
  }

  /**
   * Takes a connection that has proven this device. Yields the connections it replaces: all older ones where it is
   * `exclusive`, or where they stand under another owner. Throws `relay.too_many` for one more beside the others than may
   * stand.
   */
  join(connection: Connection, device: Admitted, now: number): readonly Connection[] {
    const name = nameOf(device.key);
    const before = this.#byName.get(name);
    if (before && before.device.owner !== device.owner) {
      // The device changed hands. Nothing of its former owner's carries over, its connections least of all: they would act
      // for an owner whose revocation no longer finds them.
      this.#forget(before);
      return [...before.connections, ...this.join(connection, device, now)];
    }
    const slot = before ?? this.#make(name, device, now);
    if (!before) this.#add(slot);
    const replaced = device.mode === 'exclusive' ? [...slot.connections] : [];
    if (device.mode === 'shared' && slot.connections.size >= this.#limits.connectionsPerDevice) {
      throw fail('relay.too_many', 'connections of one device');
    }
    slot.connections.add(connection);
    connection.slot = slot;
    return replaced;
  }

  #make(name: string, device: Admitted, now: number): Slot {
    return {
      device,
      name,
      connections: new Set(),
      mail: null,
      streams: null,
      mailRate: fullBucket(this.#mailRate, now),
      requestRate: fullBucket(this.#requestRate, now),
    };
  }

  #add(slot: Slot): void {
    this.#byName.set(slot.name, slot);
    const { owner } = slot.device;
    if (owner === null) return;
    const slots = this.#byOwner.get(owner) ?? new Set();
    slots.add(slot);
    this.#byOwner.set(owner, slots);
  }

  #forget(slot: Slot): void {
    this.#byName.delete(slot.name);
    const { owner } = slot.device;
    if (owner === null) return;
    const slots = this.#byOwner.get(owner);
    slots?.delete(slot);
    if (slots?.size === 0) this.#byOwner.delete(owner);
  }

  leave(connection: Connection): void {
    const { slot } = connection;
    if (!slot) return;
    slot.connections.delete(connection);
    if (slot.mail === connection) slot.mail = null;
    if (slot.streams === connection) slot.streams = null;
  }

  /** Counts one mail against the device. */
  mayMail(slot: Slot, now: number): boolean {
    return take(slot.mailRate, this.#mailRate, now);
  }

  /** Seconds until the device may send mail again. */
  mailWait(slot: Slot, now: number): number {
    return secondsToNext(slot.mailRate, this.#mailRate, now);
  }

  mayAsk(slot: Slot, now: number): boolean {
    return take(slot.requestRate, this.#requestRate, now);
  }

  sweep(now: number): void {
    for (const slot of this.#byName.values()) {
      if (slot.connections.size > 0) continue;
      const age = now - Math.max(slot.mailRate.at, slot.requestRate.at);
      // After this long both are full, whatever was taken.
      if (age > 60_000 * Math.max(this.#limits.mailBurst / this.#limits.mailPerMinute, 1)) this.#forget(slot);
    }
  }
}
