import { fail } from '@caponier/protocol';
import { hashLength, nodeHash } from './hash.ts';
import type { NodeReader } from './prove.ts';
import { parseSize } from './size.ts';

/** C2SP tlog-tiles: a tile holds up to 256 hashes of one level; level n+1 holds the roots of the full tiles of level n. */
export const tileWidth = 256;
const tileHeight = 8;

/** Which tile: `level` is a number for hashes, `entries` for the entry bundle beside level 0. `width` 256 is the full one. */
export interface TileName {
  readonly level: number | 'entries';
  readonly index: number;
  readonly width: number;
}

export interface Tile extends TileName {
  readonly level: number;
  /** `width` hashes one after another. */
  readonly hashes: Uint8Array;
}

/** Gives a tile's bytes, at least as wide as asked for. */
export type TileReader = (level: number, index: number, width: number) => Promise<Uint8Array>;

/** `tile/0/x001/x234/067.p/5`, without a leading slash. */
export function tilePath({ level, index, width }: TileName): string {
  let digits = String(index % 1000).padStart(3, '0');
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    digits = `x${String(rest % 1000).padStart(3, '0')}/${digits}`;
  }
  return `tile/${level}/${digits}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** The inverse of {@link tilePath}, or undefined for any other text. */
export function parseTilePath(path: string): TileName | undefined {
  // Seven levels hold any tree below 2^53 leaves.
  const match = /^tile\/(entries|[0-6])\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/.exec(path);
  if (!match) return undefined;
  const level = match[1] === 'entries' ? 'entries' : Number(match[1]);
  const index = parseSize(match[2]!.replaceAll(/[x/]/g, '').replace(/^0+(?=[0-9])/, ''));
  const width = match[3] === undefined ? tileWidth : Number(match[3]);
  if (index === undefined || (match[3] !== undefined && width >= tileWidth)) return undefined;
  const name = { level, index, width } as const;
  // Only one spelling of each tile: `x000/001` is not another name for `001`.
  return tilePath(name) === path ? name : undefined;
}

/** Width of a tile in a tree of `size` leaves: 256, less at the right edge, 0 where there is none. */
export function tileWidthAt(size: number, level: number, index: number): number {
  const hashes = Math.floor(size / tileWidth ** level);
  return Math.max(0, Math.min(tileWidth, hashes - index * tileWidth));
}

/** Reads inner nodes of a tree of `size` leaves out of its tiles. */
export function nodesFromTiles(size: number, read: TileReader): NodeReader {
  return async (height, index) => {
    const level = Math.floor(height / tileHeight);
    const below = 2 ** (height % tileHeight);
    const first = index * below;
    const tile = Math.floor(first / tileWidth);
    const width = tileWidthAt(size, level, tile);
    const offset = first % tileWidth;
    if (offset + below > width) throw fail('registry.bad_range', 'node beyond the tree');
    const bytes = await read(level, tile, width);
    if (bytes.length < width * hashLength) throw fail('log.bad_proof', 'tile too short');
    return foldTile(bytes, offset, below);
  };
}

/** The root over `count` (a power of two) hashes of a tile. */
function foldTile(bytes: Uint8Array, offset: number, count: number): Uint8Array {
  if (count === 1) return bytes.slice(offset * hashLength, (offset + 1) * hashLength);
  return nodeHash(foldTile(bytes, offset, count / 2), foldTile(bytes, offset + count / 2, count / 2));
}

/** Entries of one bundle, each with a big-endian uint16 of its length before it. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0));
  let at = 0;
  for (const entry of entries) {
    if (entry.length > 0xffff) throw fail('log.bad_leaf', 'entry too long for a bundle');
    bytes[at] = entry.length >> 8;
    bytes[at + 1] = entry.length & 0xff;
    bytes.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bytes;
}

/** Exactly `width` entries and nothing after them. Throws `log.bad_leaf`. */
export function decodeBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width) {
    if (at + 2 > bytes.length) throw fail('log.bad_leaf', 'bundle cut short');
    const length = bytes[at]! * 256 + bytes[at + 1]!;
    if (at + 2 + length > bytes.length) throw fail('log.bad_leaf', 'bundle cut short');
    entries.push(bytes.slice(at + 2, at + 2 + length));
    at += 2 + length;
  }
  if (at !== bytes.length) throw fail('log.bad_leaf', 'bytes after the bundle');
  return entries;
}
