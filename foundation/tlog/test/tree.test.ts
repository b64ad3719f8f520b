import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CompactRange,
  decodeBundle,
  encodeBundle,
  leafHash,
  nodesFromTiles,
  parseTilePath,
  proveConsistency,
  proveInclusion,
  rangeRoot,
  TreeEdge,
  tilePath,
  tileWidthAt,
  verifyConsistency,
  verifyInclusion,
} from '../src/index.ts';
import { mth, path, subproof } from './reference.ts';

const leaf = (n: number) => leafHash(Uint8Array.of(n >> 16, n >> 8, n));
const leaves = Array.from({ length: 1500 }, (_, i) => leaf(i));

/** A log kept in tiles, grown in batches of the given sizes. */
function tiled(...batches: number[]) {
  const store = new Map<string, Uint8Array>();
  let edge = TreeEdge.empty();
  for (const count of batches) {
    const grown = edge.grow(leaves.slice(edge.size, edge.size + count));
    edge = grown.edge;
    for (const tile of grown.tiles) store.set(`${tile.level}/${tile.index}`, tile.hashes);
  }
  const read = async (level: number, index: number) => store.get(`${level}/${index}`) ?? new Uint8Array(0);
  return { edge, read, nodes: nodesFromTiles(edge.size, read), store };
}

describe('Merkle tree', () => {
  it('gives the roots of RFC 6962, appended one by one, in batches, and after a restart', async () => {
    const range = CompactRange.empty();
    for (let size = 0; size <= 600; size++) {
      if (size % 7 === 0 || size > 500) expect(range.root()).toEqual(mth(leaves.slice(0, size)));
      range.append(leaves[size]!);
    }
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 5 }), async (batches) => {
        const { edge, read, nodes } = tiled(...batches);
        const root = mth(leaves.slice(0, edge.size));
        expect(edge.root()).toEqual(root);
        expect((await TreeEdge.restore(edge.size, read)).root()).toEqual(root);
        expect(await rangeRoot(0, edge.size, nodes)).toEqual(root);
        const again = CompactRange.decode(edge.size, rangeOf(edge.size).encode());
        expect(again.root()).toEqual(root);
      }),
      { numRuns: 40 },
    );
  });

  it('a failed batch leaves the edge as it was', () => {
    const { edge } = tiled(300);
    const before = edge.root();
    edge.grow(leaves.slice(300, 900));
    expect(edge.root()).toEqual(before);
    expect(() => edge.grow([new Uint8Array(31)])).toThrow('log.bad_leaf');
  });

  it('proves and verifies inclusion and consistency for random places, as the definitions say', async () => {
    const { nodes, edge } = tiled(1500);
    const small = tiled(100, 203);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 303 }), fc.nat(), fc.nat(), async (size, a, b) => {
        const all = leaves.slice(0, size);
        const root = mth(all);
        const index = a % size;
        const inclusion = await proveInclusion(index, size, small.nodes);
        expect(inclusion).toEqual(path(index, all));
        verifyInclusion(leaves[index]!, index, size, inclusion, root);
        const old = 1 + (b % size);
        const consistency = await proveConsistency(old, size, small.nodes);
        expect(consistency).toEqual(subproof(old, all));
        verifyConsistency(old, size, consistency, mth(leaves.slice(0, old)), root);
      }),
      { numRuns: 150 },
    );
    const far = await proveInclusion(1499, 1500, nodes);
    verifyInclusion(leaves[1499]!, 1499, 1500, far, edge.root());
  });

  it('refuses a proof with any bit, length, index or size changed', async () => {
    const { nodes, edge } = tiled(300);
    const root = edge.root();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 299 }), fc.nat(), async (at, bit) => {
        const inclusion = await proveInclusion(at, 300, nodes);
        const consistency = await proveConsistency(at, 300, nodes);
        const oldRoot = mth(leaves.slice(0, at));
        const flip = (proof: Uint8Array[]) =>
          proof.map((hash, i) =>
            i === bit % proof.length ? hash.map((byte, j) => (j === bit % 32 ? byte ^ (1 << (bit % 8)) : byte)) : hash,
          );
        expect(() => verifyInclusion(leaves[at]!, at, 300, flip(inclusion), root)).toThrow('log.bad_proof');
        expect(() => verifyInclusion(leaves[at]!, at, 300, inclusion.slice(1), root)).toThrow('log.bad_proof');
        expect(() => verifyInclusion(leaves[at]!, at, 300, [...inclusion, root], root)).toThrow('log.bad_proof');
        expect(() => verifyInclusion(leaves[at]!, (at + 1) % 300, 300, inclusion, root)).toThrow('log.bad_proof');
        expect(() => verifyInclusion(leaves[at]!, at, 300, inclusion, oldRoot)).toThrow('log.bad_proof');
        expect(() => verifyConsistency(at, 300, flip(consistency), oldRoot, root)).toThrow('log.bad_proof');
        expect(() => verifyConsistency(at, 300, consistency.slice(1), oldRoot, root)).toThrow('log.bad_proof');
        expect(() => verifyConsistency(at, 300, [...consistency, root], oldRoot, root)).toThrow('log.bad_proof');
        expect(() => verifyConsistency(at, 300, consistency, root, oldRoot)).toThrow('log.bad_proof');
        expect(() => verifyConsistency(300, at, consistency, root, oldRoot)).toThrow('log.bad_proof');
      }),
      { numRuns: 60 },
    );
    for (const size of [-1, 0.5, Number.NaN, 2 ** 53]) {
      expect(() => verifyInclusion(root, 0, size, [], root)).toThrow('log.bad_proof');
      expect(() => verifyConsistency(1, size, [], root, root)).toThrow('log.bad_proof');
    }
    await expect(proveInclusion(300, 300, nodes)).rejects.toThrow('registry.bad_range');
    await expect(proveConsistency(301, 300, nodes)).rejects.toThrow('registry.bad_range');
    await expect(proveInclusion(3, 400, nodes)).rejects.toThrow('registry.bad_range');
  });

  it('a remembered range of a wrong length does not come back', () => {
    const bytes = rangeOf(5).encode();
    expect(() => CompactRange.decode(5, bytes.slice(1))).toThrow('log.bad_proof');
    expect(() => CompactRange.decode(7, bytes)).toThrow('log.bad_proof');
    expect(() => CompactRange.decode(-1, bytes)).toThrow('log.bad_proof');
  });
});

describe('tiles', () => {
  it('has the tiles of the specification for a tree of 70,000', () => {
    expect(tileWidthAt(70_000, 0, 272)).toBe(256);
    expect(tileWidthAt(70_000, 0, 273)).toBe(112);
    expect(tileWidthAt(70_000, 0, 274)).toBe(0);
    expect(tileWidthAt(70_000, 1, 0)).toBe(256);
    expect(tileWidthAt(70_000, 1, 1)).toBe(17);
    expect(tileWidthAt(70_000, 2, 0)).toBe(1);
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
    expect(tilePath({ level: 'entries', index: 0, width: 7 })).toBe('tile/entries/000.p/7');
  });

  it('paths parse only as they are written', () => {
    const name = fc.record({
      level: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.constant('entries' as const)),
      index: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(fc.property(name, (tile) => void expect(parseTilePath(tilePath(tile))).toEqual(tile)));
    const near = fc.stringMatching(/^tile\/(entries|[0-9]{1,2})\/(x?[0-9]{3}\/){0,3}x?[0-9]{1,4}(\.p\/[0-9]{0,4})?$/);
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const tile = parseTilePath(text);
        if (tile) expect(tilePath(tile)).toBe(text);
      }),
      { numRuns: 2000 },
    );
    for (const bad of [
      'tile/0/1',
      'tile/00/001',
      'tile/7/001',
      'tile/0/x000/001',
      'tile/0/001.p/0',
      'tile/0/001.p/256',
      'tile/0/001.p/01',
      '/tile/0/001',
    ]) {
      expect(parseTilePath(bad)).toBeUndefined();
    }
  });

  it('bundles hold exactly their entries', () => {
    const entries = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 10 });
    fc.assert(fc.property(entries, (list) => void expect(decodeBundle(encodeBundle(list), list.length)).toEqual(list)));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 5 }), (bytes, width) => {
        try {
          expect(encodeBundle(decodeBundle(bytes, width))).toEqual(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'log.bad_leaf' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function rangeOf(size: number): CompactRange {
  const range = CompactRange.empty();
  for (const hash of leaves.slice(0, size)) range.append(hash);
  return range;
}
