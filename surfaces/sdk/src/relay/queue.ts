import type { CaponierError } from '@caponier/crypto';

/** Messages from a callback to one reader, in order. What bounds it is the sender's credit, given back by `taken`. */
export class Queue implements AsyncIterable<Uint8Array> {
  readonly #taken: (message: Uint8Array) => void;
  readonly #messages: Uint8Array[] = [];
  #over = false;
  #failure: CaponierError | null = null;
  #wake: (() => void) | null = null;

  /** `taken` is called for each message when the reader takes it. */
  constructor(taken: (message: Uint8Array) => void = () => {}) {
    this.#taken = taken;
  }

  push(message: Uint8Array): void {
    if (this.#over) return;
    this.#messages.push(message);
    this.#wake?.();
  }

  /** Nothing more comes. With a failure, reading throws it after what is here already. */
  end(failure: CaponierError | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = this.#messages.shift();
      if (message) {
        this.#taken(message);
        yield message;
      } else if (this.#over) {
        if (this.#failure) throw this.#failure;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    }
  }
}
