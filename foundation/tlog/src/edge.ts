import { fail } from '@caponier/protocol';
import { emptyRoot, hashLength, nodeHash } from './hash.ts';
import { isSize } from './size.ts';
import { type Tile, type TileReader, tileWidth, tileWidthAt } from './tile.ts';

/**
 * The right edge of a tiled tree: the hashes of the partial tile of each level, which is all that growing needs.
 * Immutable, so that a batch whose transaction fails leaves nothing behind.
 */
export class TreeEdge {
  readonly size: number;
  /** For each level the hashes of its rightmost, not full tile. */
  readonly #levels: readonly (readonly Uint8Array[])[];

  private constructor(size: number, levels: readonly (readonly Uint8Array[])[]) {
    this.size = size;
    this.#levels = levels;
  }

  static empty(): TreeEdge {
    return new TreeEdge(0, []);
  }

  /** Reads the edge of a tree of `size` leaves back from its tiles. Throws `log.bad_proof` when a tile is too short. */
  static async restore(size: number, read: TileReader): Promise<TreeEdge> {
    if (!isSize(size)) throw fail('log.bad_proof', 'not a size');
    const levels: Uint8Array[][] = [];
    for (let level = 0; tileWidth ** level <= size; level++) {
      const index = Math.floor(size / tileWidth ** (level + 1));
      const width = tileWidthAt(size, level, index);
      const bytes = width === 0 ? new Uint8Array(0) : await read(level, index, width);
      if (bytes.length < width * hashLength) throw fail('log.bad_proof', 'tile too short');
      levels.push(Array.from({ length: width }, (_, i) => bytes.slice(i * hashLength, (i + 1) * hashLength)));
    }
    return new TreeEdge(size, levels);
  }

  /** The tree with these leaf hashes added, and every tile that is new or wider than before. */
  grow(leaves: readonly Uint8Array[]): { readonly edge: TreeEdge; readonly tiles: readonly Tile[] } {
    const levels = this.#levels.map((hashes) => [...hashes]);
    const size = this.size + leaves.length;
    const tiles: Tile[] = [];
    let added: readonly Uint8Array[] = leaves;
    for (let level = 0; added.length > 0; level++) {
      levels[level] ??= [];
      let hashes = levels[level]!;
      let index = Math.floor(this.size / tileWidth ** (level + 1));
      const full: Uint8Array[] = [];
      for (const hash of added) {
        if (hash.length !== hashLength) throw fail('log.bad_leaf', 'leaf hash of a wrong length');
        hashes.push(hash);
        if (hashes.length < tileWidth) continue;
        tiles.push(tileOf(level, index, hashes));
        full.push(foldRight(peaksIn(hashes)));
        hashes = levels[level] = [];
        index += 1;
      }
      if (hashes.length > 0) tiles.push(tileOf(level, index, hashes));
      added = full;
    }
    return { edge: new TreeEdge(size, levels), tiles };
  }

  root(): Uint8Array {
    const peaks = this.#levels.toReversed().flatMap((hashes) => peaksIn(hashes));
    return peaks.length === 0 ? emptyRoot() : foldRight(peaks);
  }
}

function tileOf(level: number, index: number, hashes: readonly Uint8Array[]): Tile {
  const bytes = new Uint8Array(hashes.length * hashLength);
  for (const [i, hash] of hashes.entries()) bytes.set(hash, i * hashLength);
  return { level, index, width: hashes.length, hashes: bytes };
}

/** Roots of the complete subtrees over some hashes of one level, largest first. */
function peaksIn(hashes: readonly Uint8Array[]): Uint8Array[] {
  const peaks: Uint8Array[] = [];
  for (const [count, hash] of hashes.entries()) {
    let top = hash;
    for (let rest = count; rest % 2 === 1; rest = (rest - 1) / 2) top = nodeHash(peaks.pop()!, top);
    peaks.push(top);
  }
  return peaks;
}

function foldRight(peaks: readonly Uint8Array[]): Uint8Array {
  return peaks.reduceRight((right, left) => nodeHash(left, right));
}
