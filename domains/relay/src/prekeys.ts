import { type Frame, fail, verifyStatement } from '@caponier/protocol';
import type { Admitted } from './admission/admission.ts';
import type { Connection, Slot } from './connection.ts';
import { checkUnits, type Pace } from './door/proving.ts';
import type { RelayLimits } from './limits.ts';
import type { RelayMeter } from './meter.ts';
import { ownerKey, type Reach } from './reach.ts';
import type { RelayStore } from './store/open.ts';

export interface PrekeyPorts {
  readonly store: RelayStore;
  readonly limits: RelayLimits;
  readonly clock: () => number;
  readonly reach: Reach;
  readonly meter: RelayMeter;
}

/** Keeps a device's prekeys and hands them out, so that mail to it can begin while it is away. */
export class Prekeys {
  readonly #ports: PrekeyPorts;
  /** The offer of a device that is being taken: a later one, of fewer statements, must not come before it. */
  readonly #offering = new WeakMap<Slot, Promise<unknown>>();

  constructor(ports: PrekeyPorts) {
    this.#ports = ports;
  }

  /** Takes prekeys in, each signed by the device itself: the relay could not make one up. Throws coded errors. */
  async offer(from: Connection, frame: Frame<'offer'>, pace: Pace): Promise<void> {
    const { ready } = from;
    const before = this.#offering.get(ready) ?? Promise.resolve();
    const taken = before.then(() => this.#take(from, ready.device, frame, pace));
    this.#offering.set(
      ready,
      taken.catch(() => {}),
    );
    await taken;
  }

  async #take(from: Connection, { did, key }: Admitted, { statements }: Frame<'offer'>, pace: Pace): Promise<void> {
    const { store, limits } = this.#ports;
    // One more than may be kept: the last-resort one.
    if (statements.length > limits.prekeys + 1) throw fail('relay.too_many', 'prekeys');
    const offers: { readonly id: string; readonly jws: string; readonly oneTime: boolean }[] = [];
    for (const jws of statements) {
      await pace(checkUnits);
      // A device that was cut meanwhile has no slot any more, or another owner's.
      if (from.state !== 'ready') throw fail('relay.unavailable', 'gone');
      const { kid, id, payload } = verifyStatement(jws, 'prekeys');
      if (kid !== did) throw fail('relay.protocol', 'prekeys of another device');
      offers.push({ id, jws, oneTime: payload.oneTime !== null });
    }
    await store.run('offerPrekeys', { device: key, offers, most: limits.prekeys });
  }

  /** One of a device's prekeys; empty where there is none. */
  async fetch(from: Connection, { device }: Frame<'fetch'>): Promise<string> {
    const { store, limits, clock, reach, meter } = this.#ports;
    const slot = from.ready;
    const { family, serves } = await reach.relation(slot, device);
    const { statement, isLimited } = await store.run('fetchPrekeys', {
      device,
      sender: slot.device.key,
      senderOwner: ownerKey(slot.device.owner),
      family,
      serves,
      now: clock(),
      perHour: limits.oneTimePerHour,
    });
    if (isLimited) meter.add('limit_hits', 'oneTimePerHour');
    return statement;
  }
}
