const hidden = '[secret]';
const inspect = Symbol.for('nodejs.util.inspect.custom');

/**
 * Secret bytes in a type that does not print.
 *
 * Threat: a key reaching a log line, an error message or a JSON answer by accident. Measure: every way a value is
 * turned into text yields `[secret]`, and the bytes are only reachable through `expose()`, which is easy to search for.
 * What remains: JavaScript cannot promise that copies made by the garbage collector are wiped; `wipe()` clears ours.
 */
export class Secret {
  readonly #bytes: Uint8Array;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Takes ownership of `bytes`: the caller does not use or change them afterwards. */
  static from(bytes: Uint8Array): Secret {
    return new Secret(bytes);
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** The bytes themselves, not a copy. Do not keep them. */
  expose(): Uint8Array {
    return this.#bytes;
  }

  wipe(): void {
    this.#bytes.fill(0);
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [inspect](): string {
    return hidden;
  }
}
