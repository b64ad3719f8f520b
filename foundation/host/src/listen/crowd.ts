/**
 * Members by the address they come from, so that room can be made at the cost of whoever takes most of it: an attacker
 * displaces itself. Constant time, whatever strangers make up, but for passing over members that may not go.
 */
export class Crowd<T> {
  readonly #byAddress = new Map<string, Set<T>>();
  /** Addresses by how many members they have. */
  readonly #levels: (Set<string> | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  of(address: string): number {
    return this.#byAddress.get(address)?.size ?? 0;
  }

  /** The youngest of its address from here on, also where it was a member before. */
  add(address: string, member: T): void {
    this.remove(address, member);
    const own = this.#byAddress.get(address) ?? new Set();
    this.#level(address, own.size, own.size + 1);
    own.add(member);
    this.#byAddress.set(address, own);
    this.#size += 1;
  }

  /** False for one that is no member. */
  remove(address: string, member: T): boolean {
    const own = this.#byAddress.get(address);
    if (!own?.delete(member)) return false;
    this.#level(address, own.size + 1, own.size);
    if (own.size === 0) this.#byAddress.delete(address);
    this.#size -= 1;
    return true;
  }

  #level(address: string, from: number, to: number): void {
    this.#levels[from]?.delete(address);
    if (to > 0) {
      this.#levels[to] ??= new Set();
      this.#levels[to].add(address);
    }
    while (this.#levels.length > 1 && !this.#levels.at(-1)?.size) this.#levels.pop();
  }

  /** Of the address that has most, the oldest that may go; undefined where none may. */
  oldestOfBusiest(mayGo: (member: T) => boolean = () => true): T | undefined {
    for (let level = this.#levels.length - 1; level > 0; level--) {
      for (const address of this.#levels[level] ?? []) {
        for (const member of this.#byAddress.get(address)!) if (mayGo(member)) return member;
      }
    }
    return undefined;
  }

  *[Symbol.iterator](): Generator<T, void> {
    for (const own of this.#byAddress.values()) yield* own;
  }
}
