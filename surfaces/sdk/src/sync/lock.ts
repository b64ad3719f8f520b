/** One piece of work at a time for each key: two at once would each forget what the other did. */
export class KeyedLock {
  readonly #busy = new Map<string, Promise<unknown>>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => {});
    this.#busy.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(key) === settled) this.#busy.delete(key);
    }
  }
}
