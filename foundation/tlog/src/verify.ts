import { crypto } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { emptyRoot, hashLength, nodeHash } from './hash.ts';
import { isSize } from './size.ts';

const half = (n: number) => Math.floor(n / 2);
const odd = (n: number) => n % 2 === 1;

/**
 * Checks that the leaf stands at `index` in the tree of `size` leaves under `root` (RFC 9162 section 2.1.3.2).
 * A proof that is too long or too short is refused, not read as far as it goes. Throws `log.bad_proof`.
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  checkForm([leaf, root, ...proof], index, size);
  if (index >= size) throw fail('log.bad_proof', 'index beyond the tree');
  let at = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of proof) {
    if (last === 0) throw fail('log.bad_proof', 'inclusion proof too long');
    if (odd(at) || at === last) {
      hash = nodeHash(sibling, hash);
      while (!odd(at) && at !== 0) {
        at = half(at);
        last = half(last);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    at = half(at);
    last = half(last);
  }
  if (last !== 0) throw fail('log.bad_proof', 'inclusion proof too short');
  if (!crypto.equal(hash, root)) throw fail('log.bad_proof', 'inclusion proof leads to another root');
}

/**
 * Checks that the tree of `oldSize` leaves under `oldRoot` is a prefix of the one of `newSize` under `newRoot`
 * (RFC 9162 section 2.1.4.2). The empty tree is a prefix of every tree, by the empty proof and under its own root only.
 * Throws `log.bad_proof`.
 */
export function verifyConsistency(
  oldSize: number,
  newSize: number,
  proof: readonly Uint8Array[],
  oldRoot: Uint8Array,
  newRoot: Uint8Array,
): void {
  checkForm([oldRoot, newRoot, ...proof], oldSize, newSize);
  if (oldSize > newSize) throw fail('log.bad_proof', 'the tree shrank');
  if (oldSize === 0) {
    if (proof.length > 0 || !crypto.equal(oldRoot, emptyRoot())) throw fail('log.bad_proof', 'not the empty tree');
    return;
  }
  if (oldSize === newSize) {
    if (proof.length > 0 || !crypto.equal(oldRoot, newRoot)) throw fail('log.bad_proof', 'two roots for one size');
    return;
  }
  let at = oldSize - 1;
  let last = newSize - 1;
  while (odd(at)) {
    at = half(at);
    last = half(last);
  }
  // Where the old tree is one complete subtree of the new, its root is itself the first node of the path.
  const path = at === 0 ? [oldRoot, ...proof] : [...proof];
  const first = path.shift();
  if (!first) throw fail('log.bad_proof', 'consistency proof too short');
  let oldHash = first;
  let newHash = first;
  for (const sibling of path) {
    if (last === 0) throw fail('log.bad_proof', 'consistency proof too long');
    if (odd(at) || at === last) {
      oldHash = nodeHash(sibling, oldHash);
      newHash = nodeHash(sibling, newHash);
      while (!odd(at) && at !== 0) {
        at = half(at);
        last = half(last);
      }
    } else {
      newHash = nodeHash(newHash, sibling);
    }
    at = half(at);
    last = half(last);
  }
  if (last !== 0) throw fail('log.bad_proof', 'consistency proof too short');
  if (!crypto.equal(oldHash, oldRoot)) throw fail('log.bad_proof', 'consistency proof is not from the old root');
  if (!crypto.equal(newHash, newRoot)) throw fail('log.bad_proof', 'consistency proof is not to the new root');
}

function checkForm(hashes: readonly Uint8Array[], ...numbers: readonly number[]): void {
  if (!numbers.every(isSize)) throw fail('log.bad_proof', 'a size is not a whole number below 2^53');
  if (hashes.length > 2 * 64) throw fail('log.bad_proof', 'longer than any proof');
  if (!hashes.every((hash) => hash.length === hashLength)) throw fail('log.bad_proof', 'a hash of a wrong length');
}
