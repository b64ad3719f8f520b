import { fromBase64url } from '@caponier/crypto';
import { type Did, encodeDid } from '@caponier/protocol';
import { nameOf, type Slot } from './connection.ts';
import type { Owners } from './owners/owners.ts';
import type { Slots } from './slots.ts';
import type { RelayStore } from './store/open.ts';

/** How a sender stands to a recipient. */
export interface Relation {
  /** The owner they share, as far as the sender's owner says; null where they share none. */
  readonly family: string | null;
  /** True where the recipient's owner names the sender as one of its services. */
  readonly serves: boolean;
}

const noRelation: Relation = { family: null, serves: false };

/**
 * Who may reach whom: devices of one owner each other; a service the devices whose owner names it; for all others the
 * recipient's own list speaks. The relay sees no grants, and needs none for this.
 */
export class Reach {
  readonly #store: RelayStore;
  readonly #owners: Owners;
  readonly #slots: Slots;

  constructor(store: RelayStore, owners: Owners, slots: Slots) {
    this.#store = store;
    this.#owners = owners;
    this.#slots = slots;
  }

  /** At once for devices whose owner is in memory, later for others. */
  relation(from: Slot, to: Uint8Array): Relation | Promise<Relation> {
    const { owner, did } = from.device;
    if (owner === null) return this.#ofService(did, to);
    // An owner can enrol somebody else's device: one that is here under another owner is not of the family.
    if (this.#isOthers(owner, to)) return noRelation;
    if (this.#owners.inMemory(owner)) return this.#ofFamily(owner, to);
    // The device may have come meanwhile, under another owner.
    return this.#owners.known(owner).then(() => (this.#isOthers(owner, to) ? noRelation : this.#ofFamily(owner, to)));
  }

  #isOthers(owner: string, to: Uint8Array): boolean {
    const here = this.#slots.find(nameOf(to));
    return here !== undefined && here.device.owner !== owner;
  }

  #ofFamily(owner: string, to: Uint8Array): Relation {
    // Any 32 bytes make a name; one that is no device's simply stands nowhere.
    const enrolled = this.#owners.standing(owner, encodeDid('ed25519', to)) === 'enrolled';
    return { family: enrolled ? owner : null, serves: false };
  }

  async #ofService(service: Did, to: Uint8Array): Promise<Relation> {
    const owner = await this.#store.read('ownerOfSlot', { device: to });
    return { family: null, serves: owner !== null && owner !== '' && (await this.#owners.serves(owner, service)) };
  }

  async allows(from: Slot, to: Uint8Array): Promise<boolean> {
    const { family, serves } = await this.relation(from, to);
    if (family !== null || serves) return true;
    const { key, owner } = from.device;
    return this.#store.read('isAllowed', { device: to, sender: key, senderOwner: ownerKey(owner) });
  }
}

/** An owner's id as 32 bytes; null for a service's. */
export function ownerKey(owner: string | null): Uint8Array | null {
  return owner === null ? null : fromBase64url(owner);
}
