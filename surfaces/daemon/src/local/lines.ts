/** Lines for one reader: what comes while it does not read waits, and its going ends the source. */
export class Lines<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #ended: { readonly error: unknown } | null = null;
  #wake: () => void = () => {};

  push(line: T): void {
    this.#waiting.push(line);
    this.#wake();
  }

  /** Ends after what waits; with an error, throws it then. */
  end(error: unknown = null): void {
    this.#ended ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      if (this.#waiting.length > 0) {
        yield this.#waiting.shift()!;
      } else if (this.#ended) {
        if (this.#ended.error !== null) throw this.#ended.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
