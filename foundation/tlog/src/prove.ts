import { fail } from '@caponier/protocol';
import { emptyRoot, nodeHash } from './hash.ts';
import { isSize, splitOf } from './size.ts';

/** Gives the root of the complete subtree over leaves `[index * 2^height, (index + 1) * 2^height)`. */
export type NodeReader = (height: number, index: number) => Promise<Uint8Array>;

/** The audit path of RFC 6962 section 2.1.1, from the leaf's sibling upwards. Throws `registry.bad_range`. */
export async function proveInclusion(index: number, size: number, read: NodeReader): Promise<Uint8Array[]> {
  if (!isSize(index) || !isSize(size) || index >= size) throw fail('registry.bad_range', 'index beyond the tree');
  const path: Uint8Array[] = [];
  let begin = 0;
  let end = size;
  while (end - begin > 1) {
    const split = begin + splitOf(end - begin);
    if (index < split) {
      path.push(await rangeRoot(split, end, read));
      end = split;
    } else {
      path.push(await rangeRoot(begin, split, read));
      begin = split;
    }
  }
  return path.reverse();
}

/** The proof of RFC 6962 section 2.1.2; empty from the empty tree, and from a tree to itself. Throws `registry.bad_range`. */
export async function proveConsistency(oldSize: number, newSize: number, read: NodeReader): Promise<Uint8Array[]> {
  if (!isSize(oldSize) || !isSize(newSize) || oldSize > newSize)
    throw fail('registry.bad_range', 'old tree larger than the new');
  if (oldSize === 0 || oldSize === newSize) return [];
  const path: Uint8Array[] = [];
  let begin = 0;
  let end = newSize;
  // Down to the subtree that ends where the old tree ends, noting what lies beside the way.
  while (end !== oldSize) {
    const split = begin + splitOf(end - begin);
    if (oldSize <= split) {
      path.push(await rangeRoot(split, end, read));
      end = split;
    } else {
      path.push(await rangeRoot(begin, split, read));
      begin = split;
    }
  }
  // From leaf 0 it is the old tree itself, whose root the verifier knows.
  if (begin !== 0) path.push(await rangeRoot(begin, end, read));
  return path.reverse();
}

/** MTH(D[begin:end]) for a range that RFC 6962 splits into complete subtrees, `begin` being a multiple of the largest. */
export async function rangeRoot(begin: number, end: number, read: NodeReader): Promise<Uint8Array> {
  if (begin === end) return emptyRoot();
  const parts: Uint8Array[] = [];
  let at = begin;
  while (at < end) {
    let height = 0;
    let width = 1;
    while (at + width * 2 <= end) {
      width *= 2;
      height += 1;
    }
    parts.push(await read(height, at / width));
    at += width;
  }
  return parts.reduceRight((right, left) => nodeHash(left, right));
}
