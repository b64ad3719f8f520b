import { concat } from '@caponier/crypto';
import { fail } from '@caponier/protocol';

/** Byte layout shared by every wire form of this module: big-endian numbers, fixed lengths, nothing optional without a flag. */

export const empty = new Uint8Array(0);

export function u8(value: number): Uint8Array {
  return Uint8Array.of(value);
}

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff);
}

export function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** Length before content, so that two lists of parts never run together into the same bytes. */
export function prefixed(part: Uint8Array): Uint8Array {
  return concat(u32(part.length), part);
}

/** Reads a byte layout front to back; whatever does not fit exactly throws the code it was made with. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #malformed: (detail: string) => Error;
  #at = 0;

  constructor(bytes: Uint8Array, malformed: (detail: string) => Error = (d) => fail('session.bad_state', d)) {
    this.#bytes = bytes;
    this.#malformed = malformed;
  }

  get rest(): number {
    return this.#bytes.length - this.#at;
  }

  /** A copy, so that a caller who reuses the buffer cannot change what was read. */
  take(length: number): Uint8Array {
    if (length > this.rest) throw this.#malformed(`${length} bytes wanted, ${this.rest} left`);
    const part = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  u16(): number {
    const [a, b] = this.take(2);
    return a! * 256 + b!;
  }

  u32(): number {
    return this.u16() * 65_536 + this.u16();
  }

  /** Exactly 0 or 1: any other byte would be a second spelling of the same state. */
  flag(): boolean {
    const value = this.u8();
    if (value > 1) throw this.#malformed('a flag is neither 0 nor 1');
    return value === 1;
  }

  end(): void {
    if (this.rest !== 0) throw this.#malformed(`${this.rest} bytes too many`);
  }
}
