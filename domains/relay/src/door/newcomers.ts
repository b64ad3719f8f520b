import { fail } from '@caponier/protocol';
import type { Admitted } from '../admission/admission.ts';
import type { Connection } from '../connection.ts';
import type { RelayLimitName, RelayLimits } from '../limits.ts';

/**
 * Connections of owners that came today, without a ticket and not by name.
 *
 * Threat: where anybody is admitted, keys cost nothing: whoever makes owners all day is no stranger, and could hold every
 * connection. Measure: newcomers leave places free, that strangers cannot take either: for owners that are here longer.
 * Of one address only so many. What remains: who prepares for a day; the rate of new owners bounds that.
 */
export class Newcomers {
  readonly #limits: RelayLimits;
  readonly #hit: (limit: RelayLimitName) => void;
  readonly #byAddress = new Map<string, number>();
  #size = 0;

  constructor(limits: RelayLimits, hit: (limit: RelayLimitName) => void) {
    this.#limits = limits;
    this.#hit = hit;
  }

  /** Throws `relay.unavailable`, `relay.too_many`. */
  demandRoom({ group }: Connection, { isNewcomer }: Admitted): void {
    if (!isNewcomer) return;
    const { connections, reservedConnections, strangers, newcomersPerAddress } = this.#limits;
    if (this.#size >= connections - reservedConnections - strangers) {
      this.#hit('reservedConnections');
      throw fail('relay.unavailable', 'places for newcomers');
    }
    if ((this.#byAddress.get(group) ?? 0) < newcomersPerAddress) return;
    this.#hit('newcomersPerAddress');
    throw fail('relay.too_many', 'newcomers of one address');
  }

  add(connection: Connection): void {
    if (connection.device?.isNewcomer) this.#count(connection.group, 1);
  }

  remove(connection: Connection): void {
    if (connection.device?.isNewcomer) this.#count(connection.group, -1);
  }

  #count(address: string, by: 1 | -1): void {
    this.#size += by;
    const own = (this.#byAddress.get(address) ?? 0) + by;
    if (own === 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, own);
  }
}
