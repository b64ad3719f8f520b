import { fail } from '@caponier/protocol';
import type { Admitted } from './admission/admission.ts';
import { type Connection, nameOf, type Slot } from './connection.ts';
import { Replacements } from './door/replacements.ts';
import { failUntil } from './door/retry.ts';
import type { RelayLimitName, RelayLimits } from './limits.ts';
import { Buckets } from './rates.ts';
import type { Steps } from './rounds.ts';

/** What happens at slots that others count and tell. */
export interface SlotWatch {
  readonly hit: (limit: RelayLimitName) => void;
  /** Two or more take turns in the place of one device; once a spell. */
  readonly flapping: (device: Admitted) => void;
}

/** Devices that are connected, and their rates, which outlast the connection: reconnecting gives nobody a fresh burst. */
export class Slots {
  readonly mailRate: Buckets;
  readonly ownerMailRate: Buckets;
  readonly requestRate: Buckets;
  readonly helloRate: Buckets;
  readonly #limits: RelayLimits;
  readonly #watch: SlotWatch;
  readonly #replacements: Replacements;
  readonly #byName = new Map<string, Slot>();
  readonly #byOwner = new Map<string, Set<Slot>>();

  constructor(limits: RelayLimits, watch: SlotWatch) {
    const {
      mailBurst,
      mailPerMinute,
      ownerMailBurst,
      ownerMailPerMinute,
      requestsPerMinute,
      hellosPerMinute,
      addresses,
    } = limits;
    this.#limits = limits;
    this.#watch = watch;
    const full = () => watch.hit('addresses');
    this.mailRate = new Buckets({ burst: mailBurst, perMinute: mailPerMinute }, addresses, full);
    this.ownerMailRate = new Buckets({ burst: ownerMailBurst, perMinute: ownerMailPerMinute }, addresses, full);
    this.requestRate = new Buckets({ burst: requestsPerMinute, perMinute: requestsPerMinute }, addresses, full);
    this.helloRate = new Buckets({ burst: hellosPerMinute, perMinute: hellosPerMinute }, addresses, full);
    this.#replacements = new Replacements(limits);
  }

  get size(): number {
    return this.#byName.size;
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
   * `exclusive`, or where they stand under another owner; a `shared` one stands beside whatever is there. Throws
   * `relay.too_many` for one more than may stand, `relay.rate_limited` for one that replaces others too often.
   */
  join(connection: Connection, device: Admitted, now: number): readonly Connection[] {
    const name = nameOf(device.key);
    const before = this.#byName.get(name);
    // The device changed hands. Nothing of its former owner's carries over, its connections least of all: they would act
    // for an owner whose revocation no longer finds them.
    const isOther = before !== undefined && before.device.owner !== device.owner;
    const replaced = before && (isOther || device.mode === 'exclusive') ? [...before.connections] : [];
    if (replaced.length > 0) this.#mayReplace(name, device, now);
    if (replaced.length === 0) this.#demandRoom(before, device);
    if (before && isOther) this.#forget(before);
    const slot = before && !isOther ? before : this.#make(name, device);
    slot.connections.add(connection);
    connection.slot = slot;
    return replaced;
  }

  #mayReplace(name: string, device: Admitted, now: number): void {
    const { wait, first } = this.#replacements.take(name, now);
    if (wait === 0) return;
    if (first) this.#watch.flapping(device);
    this.#watch.hit('replacements');
    throw failUntil('relay.rate_limited', 'flapping', wait);
  }

  #demandRoom(before: Slot | undefined, { owner }: Admitted): void {
    const { connectionsPerDevice, connectionsPerOwner } = this.#limits;
    if ((before?.connections.size ?? 0) >= connectionsPerDevice) {
      this.#watch.hit('connectionsPerDevice');
      throw fail('relay.too_many', 'connections of one device');
    }
    if (owner === null) return;
    let open = 0;
    for (const slot of this.ofOwner(owner)) open += slot.connections.size;
    if (open < connectionsPerOwner) return;
    this.#watch.hit('connectionsPerOwner');
    throw fail('relay.too_many', 'connections of one owner');
  }

  #make(name: string, device: Admitted): Slot {
    const slot: Slot = { device, name, connections: new Set(), mail: null, streams: null };
    this.#byName.set(name, slot);
    const { owner } = device;
    if (owner === null) return slot;
    const slots = this.#byOwner.get(owner) ?? new Set();
    slots.add(slot);
    this.#byOwner.set(owner, slots);
    return slot;
  }

  #forget(slot: Slot): void {
    if (this.#byName.get(slot.name) === slot) this.#byName.delete(slot.name);
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
    if (slot.connections.size === 0) this.#forget(slot);
  }

  /** Counts one proof of a device. Yields 0, or the seconds until it may prove itself again. */
  helloWait(device: Admitted, now: number): number {
    const name = nameOf(device.key);
    if (this.helloRate.take(name, now)) return 0;
    this.#watch.hit('hellosPerMinute');
    return this.helloRate.secondsUntil(name, now);
  }

  /**
   * Counts one mail against the device and its owner. Threat: devices cost an owner nothing, and what each may send is written
   * and remembered for days. Measure: they have one rate together, too.
   */
  mayMail({ name, device: { owner } }: Slot, now: number): boolean {
    if (!this.mailRate.take(name, now)) {
      this.#watch.hit('mailPerMinute');
      return false;
    }
    if (owner === null || this.ownerMailRate.take(owner, now)) return true;
    this.mailRate.giveBack(name, now);
    this.#watch.hit('ownerMailPerMinute');
    return false;
  }

  /** Seconds until the device may send mail again. */
  mailWait({ name, device: { owner } }: Slot, now: number): number {
    const own = this.mailRate.secondsUntil(name, now);
    return owner === null ? own : Math.max(own, this.ownerMailRate.secondsUntil(owner, now));
  }

  mayAsk(slot: Slot, requests: number, now: number): boolean {
    const may = this.requestRate.take(slot.name, now, requests);
    if (!may) this.#watch.hit('requestsPerMinute');
    return may;
  }

  *round(clock: () => number): Steps {
    const all = [this.mailRate, this.ownerMailRate, this.requestRate, this.helloRate];
    for (const buckets of all) yield* buckets.round(clock);
    this.#replacements.sweep(clock());
  }
}
