/** Values from callbacks, read as a stream: each is kept until it is read. */
export class Queue<T> implements AsyncIterable<T> {
  readonly #values: T[] = [];
  #wake: () => void = () => {};
  #end: { readonly error: unknown } | null = null;

  push(value: T): void {
    if (this.#end) return;
    this.#values.push(value);
    this.#wake();
  }

  /** Ends it after what is there; with an error, reading throws it then. */
  end(error: unknown = null): void {
    this.#end ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      if (this.#values.length > 0) {
        yield this.#values.shift()!;
        continue;
      }
      if (this.#end) {
        if (this.#end.error !== null) throw this.#end.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** A promise with its ends in hand. It never counts as unhandled: who made it may not be waiting. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
