import { crypto } from '@caponier/crypto';

/** Bytes of every hash of the tree: SHA-256. */
export const hashLength = 32;

// Leaves and nodes are hashed under different prefixes (RFC 6962 section 2.1): without them a node could be shown as a leaf.
const leafPrefix = Uint8Array.of(0x00);
const nodePrefix = Uint8Array.of(0x01);

/** MTH of one entry. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return crypto.sha256(leafPrefix, entry);
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return crypto.sha256(nodePrefix, left, right);
}

/** MTH of the empty tree. */
export function emptyRoot(): Uint8Array {
  return crypto.sha256(new Uint8Array(0));
}
