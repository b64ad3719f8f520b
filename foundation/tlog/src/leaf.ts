import { fail, type LeafClass } from '@caponier/protocol';
import { base64urlnopad } from '@scure/base';

/** A leaf of `owners`: which statement is the `seq`-th of which owner, and who may read it. */
export interface OwnersLeaf {
  /** Id of the owner's first statement. */
  readonly owner: string;
  readonly seq: number;
  readonly class: LeafClass;
  /** Id of the statement. */
  readonly id: string;
}

/** owner (32) ‖ seq (uint64, big-endian) ‖ class (1) ‖ id (32). */
export const ownersLeafLength = 73;
/** A leaf of `events`: the salted hash of one event. */
export const eventsLeafLength = 32;

const classes: readonly LeafClass[] = ['membership', 'private'];

/** Throws `log.bad_leaf`. */
export function encodeOwnersLeaf(leaf: OwnersLeaf): Uint8Array {
  const bytes = new Uint8Array(ownersLeafLength);
  if (!Number.isSafeInteger(leaf.seq) || leaf.seq < 0) throw fail('log.bad_leaf', 'not a sequence number');
  bytes.set(decodeHash(leaf.owner));
  new DataView(bytes.buffer).setBigUint64(32, BigInt(leaf.seq));
  const index = classes.indexOf(leaf.class);
  if (index < 0) throw fail('log.bad_leaf', 'unknown class');
  bytes[40] = index;
  bytes.set(decodeHash(leaf.id), 41);
  if ((leaf.seq === 0) !== (leaf.owner === leaf.id)) throw fail('log.bad_leaf', 'owner and first statement differ');
  return bytes;
}

/** The inverse; what parses encodes to the same bytes. Throws `log.bad_leaf`. */
export function decodeOwnersLeaf(bytes: Uint8Array): OwnersLeaf {
  if (bytes.length !== ownersLeafLength) throw fail('log.bad_leaf', 'leaf of a wrong length');
  const seq = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(32);
  const leafClass = classes[bytes[40]!];
  if (seq > BigInt(Number.MAX_SAFE_INTEGER) || !leafClass)
    throw fail('log.bad_leaf', 'sequence number or class out of range');
  const owner = base64urlnopad.encode(bytes.subarray(0, 32));
  const id = base64urlnopad.encode(bytes.subarray(41));
  // A chain is named by its first statement; any other pairing names a chain that cannot exist.
  if ((seq === 0n) !== (owner === id)) throw fail('log.bad_leaf', 'owner and first statement differ');
  return { owner, seq: Number(seq), class: leafClass, id };
}

/** The leaf of an event from its canonical base64url. Throws `log.bad_leaf`. */
export function encodeEventsLeaf(hash: string): Uint8Array {
  return decodeHash(hash);
}

export function decodeEventsLeaf(bytes: Uint8Array): string {
  if (bytes.length !== eventsLeafLength) throw fail('log.bad_leaf', 'leaf of a wrong length');
  return base64urlnopad.encode(bytes);
}

function decodeHash(text: string): Uint8Array {
  try {
    const bytes = base64urlnopad.decode(text);
    if (bytes.length === 32 && base64urlnopad.encode(bytes) === text) return bytes;
  } catch (cause) {
    throw fail('log.bad_leaf', 'not base64url', cause);
  }
  throw fail('log.bad_leaf', 'not a 32-byte hash');
}
