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
  readonly #byAddress = new Map<string, Set<Connection>>();
  /** Addresses by how many connections they have. */
  readonly #levels: (Set<string> | undefined)[] = [];
  #size = 0;
  #bytes = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes that they have said and that are still held. */
  get bytes(): number {
    return this.#bytes;
  }

  of(address: string): number {
    return this.#byAddress.get(address)?.size ?? 0;
  }

  add(connection: Connection): void {
    const { group } = connection;
    const own = this.#byAddress.get(group) ?? new Set();
    this.#level(group, own.size, own.size + 1);
    own.add(connection);
    this.#byAddress.set(group, own);
    this.#size += 1;
  }

  remove(connection: Connection): void {
    const { group } = connection;
    const own = this.#byAddress.get(group);
    if (!own?.delete(connection)) return;
    this.#level(group, own.size + 1, own.size);
    if (own.size === 0) this.#byAddress.delete(group);
    this.#size -= 1;
    this.#bytes -= connection.greeted + connection.begun;
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

  #level(address: string, from: number, to: number): void {
    this.#levels[from]?.delete(address);
    if (to === 0) return;
    this.#levels[to] ??= new Set();
    this.#levels[to].add(address);
    while (this.#levels.length > 1 && !this.#levels.at(-1)?.size) this.#levels.pop();
  }

  /** The one to go for another: of the address that has most, the oldest. Guests stay, and proofs of devices known here. */
  oldestOfBusiest(): Connection | undefined {
    return (
      this.#find(({ state }) => state === 'new' || state === 'closed') ??
      this.#find(({ state, unknown }) => state === 'proving' && unknown)
    );
  }

  #find(mayGo: (connection: Connection) => boolean): Connection | undefined {
    for (let level = this.#levels.length - 1; level > 0; level--) {
      for (const address of this.#levels[level] ?? []) {
        for (const connection of this.#byAddress.get(address)!) if (mayGo(connection)) return connection;
      }
    }
    return undefined;
  }

  /** The one that said most. */
  loudest(): Connection | undefined {
    let loudest: Connection | undefined;
    let most = 0;
    for (const own of this.#byAddress.values()) {
      for (const connection of own) {
        const said = connection.greeted + connection.begun;
        if (said <= most) continue;
        most = said;
        loudest = connection;
      }
    }
    return loudest;
  }
}
