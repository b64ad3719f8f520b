import { Crowd } from '@caponier/host/crowd';
import type { Connection } from '../connection.ts';

/**
 * Connections that have not proven a device.
 *
 * Threat: strangers that hold every place, so that no device gets in. Measure: a place is found for whoever comes by
 * ending the oldest connection of the address that has most of them: an attacker displaces himself, and a device, which
 * answers its challenge at once, has long gone through. Whoever was told to go and stays goes first, and where all wait for
 * proofs, of devices that are not known here, one of these. What remains: as many addresses as there are places, each
 * renewing its connection faster than a device answers.
 */
export class Strangers {
  readonly #crowd = new Crowd<Connection>();
  #bytes = 0;

  get size(): number {
    return this.#crowd.size;
  }

  /** Bytes that they have said and that are still held. */
  get bytes(): number {
    return this.#bytes;
  }

  of(address: string): number {
    return this.#crowd.of(address);
  }

  add(connection: Connection): void {
    this.#crowd.add(connection.group, connection);
  }

  remove(connection: Connection): void {
    if (this.#crowd.remove(connection.group, connection)) this.#bytes -= connection.greeted + connection.begun;
  }

  hear(connection: Connection, bytes: number): void {
    connection.greeted += bytes;
    if (connection.stranger) this.#bytes += bytes;
  }

  /** So many bytes of a message that is not whole are here now. */
  hold(connection: Connection, bytes: number): void {
    if (connection.stranger) this.#bytes += bytes - connection.begun;
    connection.begun = bytes;
  }

  /** What it has said is not held any more. */
  forget(connection: Connection): void {
    if (connection.stranger) this.#bytes -= connection.greeted;
    connection.greeted = 0;
  }

  /** The one to go for another: of the address that has most, the oldest. Guests stay, and proofs of devices known here. */
  oldestOfBusiest(): Connection | undefined {
    return (
      this.#crowd.oldestOfBusiest(({ state }) => state === 'new' || state === 'closed') ??
      this.#crowd.oldestOfBusiest(({ state, unknown }) => state === 'proving' && unknown)
    );
  }

  /** The one that said most. */
  loudest(): Connection | undefined {
    let loudest: Connection | undefined;
    let most = 0;
    for (const connection of this.#crowd) {
      const said = connection.greeted + connection.begun;
      if (said <= most) continue;
      most = said;
      loudest = connection;
    }
    return loudest;
  }
}
