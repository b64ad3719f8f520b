import { concat } from '@caponier/crypto';
import { maxDataBytes } from '@caponier/protocol';

/** A record says its length in its header, so it may cross in pieces: one is a little longer than a frame carries. */
const headerBytes = 3;

/** Cuts records into bodies that fit a frame. */
export function* piecesOf(record: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < record.length; at += maxDataBytes) yield record.subarray(at, at + maxDataBytes);
}

/** Puts records together again. Holds at most one record and one piece. */
export class RecordReader {
  #rest: Uint8Array = new Uint8Array(0);

  /** Whole records so far. A length of 16 bits is never above that of the longest record. */
  *push(body: Uint8Array): Generator<Uint8Array> {
    this.#rest = this.#rest.length === 0 ? body : concat(this.#rest, body);
    while (this.#rest.length >= headerBytes) {
      const length = headerBytes + this.#rest[1]! * 256 + this.#rest[2]!;
      if (this.#rest.length < length) return;
      const record = this.#rest.subarray(0, length);
      this.#rest = this.#rest.subarray(length);
      yield record;
    }
  }

  /** Whether a record was begun and not finished. */
  get cut(): boolean {
    return this.#rest.length > 0;
  }
}
