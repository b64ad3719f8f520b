import { fail } from '@caponier/protocol';
import { emptyRoot, hashLength, nodeHash } from './hash.ts';
import { isSize } from './size.ts';

/**
 * A tree that only grows, kept as the roots of its complete subtrees, largest first: all that a reader who follows a log
 * needs to remember in order to compute every later root itself. At most 53 hashes.
 */
export class CompactRange {
  #size: number;
  readonly #peaks: Uint8Array[];

  private constructor(size: number, peaks: Uint8Array[]) {
    this.#size = size;
    this.#peaks = peaks;
  }

  static empty(): CompactRange {
    return new CompactRange(0, []);
  }

  /** From what {@link encode} gave. Throws `log.bad_proof` when the bytes are not those of a tree of `size` leaves. */
  static decode(size: number, bytes: Uint8Array): CompactRange {
    if (!isSize(size) || bytes.length !== hashLength * peaksOf(size))
      throw fail('log.bad_proof', 'not a compact range');
    const peaks: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; at += hashLength) peaks.push(bytes.slice(at, at + hashLength));
    return new CompactRange(size, peaks);
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Uint8Array): void {
    if (leaf.length !== hashLength) throw fail('log.bad_proof', 'leaf hash of a wrong length');
    let hash = leaf;
    // One complete subtree for each set bit of the size; adding one carries through the trailing ones.
    for (let rest = this.#size; rest % 2 === 1; rest = Math.floor(rest / 2)) hash = nodeHash(this.#peaks.pop()!, hash);
    this.#peaks.push(hash);
    this.#size += 1;
  }

  root(): Uint8Array {
    if (this.#peaks.length === 0) return emptyRoot();
    return this.#peaks.reduceRight((right, left) => nodeHash(left, right));
  }

  copy(): CompactRange {
    return new CompactRange(this.#size, [...this.#peaks]);
  }

  /** The peaks one after another; the size travels beside. */
  encode(): Uint8Array {
    const bytes = new Uint8Array(hashLength * this.#peaks.length);
    for (const [i, peak] of this.#peaks.entries()) bytes.set(peak, i * hashLength);
    return bytes;
  }
}

function peaksOf(size: number): number {
  let bits = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) bits += rest % 2;
  return bits;
}
