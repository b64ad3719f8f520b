import { type Frame, fail, verifyStatement } from '@caponier/protocol';
import type { Connection } from './connection.ts';
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

  constructor(ports: PrekeyPorts) {
    this.#ports = ports;
  }

  /** Takes prekeys in, each signed by the device itself: the relay could not make one up. Throws coded errors. */
  async offer(from: Connection, { statements }: Frame<'offer'>): Promise<void> {
    const { store, limits } = this.#ports;
    const { did, key } = from.ready.device;
    // One more than may be kept: the last-resort one.
    if (statements.length > limits.prekeys + 1) throw fail('relay.too_many', 'prekeys');
    const offers = statements.map((jws) => {
      const { kid, id, payload } = verifyStatement(jws, 'prekeys');
      if (kid !== did) throw fail('relay.protocol', 'prekeys of another device');
      return { id, jws, oneTime: payload.oneTime !== null };
    });
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
