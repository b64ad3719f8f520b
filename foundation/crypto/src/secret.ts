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
  readonly #prepared = new Map<symbol, unknown>();

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

  /**
   * The form a library wants the key in (a key object, an expanded key), made once per secret and forgotten with it.
   * `form` names the form; `make` must depend on the bytes alone.
   */
  prepared<T>(form: symbol, make: (bytes: Uint8Array) => T): T {
    if (!this.#prepared.has(form)) this.#prepared.set(form, make(this.#bytes));
    return this.#prepared.get(form) as T;
  }

  /** Zeroes the bytes and drops every prepared form. The secret is of no use afterwards. */
  wipe(): void {
    this.#bytes.fill(0);
    for (const form of this.#prepared.values()) if (form instanceof Secret) form.wipe();
    this.#prepared.clear();
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
