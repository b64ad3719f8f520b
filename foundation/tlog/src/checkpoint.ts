import { crypto } from '@caponier/crypto';
import { fail, type Signer } from '@caponier/protocol';
import { base64 } from '@scure/base';
import { emptyRoot, hashLength } from './hash.ts';
import { formatNote, formatSignature, isBy, type Note, parseNote } from './note.ts';
import { isSize, parseSize } from './size.ts';
import { decodeBase64, logKey, type NoteKey, witnessKey } from './vkey.ts';

/** The head of a log: C2SP tlog-checkpoint. */
export interface Head {
  /** Names the log for ever. */
  readonly origin: string;
  /** Number of leaves. */
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** A witness said at `time` (seconds since the epoch) that this is the largest head of the log that it knows. */
export interface Cosigned {
  readonly witness: string;
  readonly time: number;
}

/** Whose signatures count, and how many witnesses there must be. */
export interface CheckpointPolicy {
  readonly log: NoteKey;
  readonly witnesses: readonly NoteKey[];
  /** Least number of distinct witness keys; 0 takes the log's word alone. */
  readonly k: number;
}

const onlyHere = Symbol('opened');

/** A head whose log signature, and at least k cosignatures, were verified. Only {@link openCheckpoint} makes one. */
export class VerifiedCheckpoint implements Head {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
  /** Each witness once with its newest cosignature, newest first. */
  readonly cosigned: readonly Cosigned[];
  /** The k-th newest cosignature time in seconds: the age of what is read from this head. Null where k is 0. */
  readonly time: number | null;
  /** The signed note with the signatures that were verified, and no others. */
  readonly note: string;

  /** Nominal: no object literal is a `VerifiedCheckpoint`. */
  readonly #proof: typeof onlyHere;

  constructor(proof: typeof onlyHere, head: Head, cosigned: readonly Cosigned[], time: number | null, note: string) {
    if (proof !== onlyHere) throw fail('host.internal', 'VerifiedCheckpoint is made by openCheckpoint only');
    this.#proof = proof;
    this.origin = head.origin;
    this.size = head.size;
    this.root = head.root;
    this.cosigned = cosigned;
    this.time = time;
    this.note = note;
    Object.freeze(this);
  }

  /** True for what this module made. */
  static is(value: unknown): value is VerifiedCheckpoint {
    return typeof value === 'object' && value !== null && #proof in value;
  }
}

/**
 * Signatures by unknown keys are ignored, as C2SP demands; one false signature in the name of a known key refuses the
 * whole note. Throws `log.bad_note`, `log.bad_signature`, `log.not_enough_witnesses`.
 */
export function openCheckpoint(text: string, policy: CheckpointPolicy): VerifiedCheckpoint {
  const note = parseNote(text);
  const head = parseHead(note.text);
  const own = note.signatures.find((s) => isBy(s, policy.log));
  if (head.origin !== policy.log.name || policy.log.type !== 'ed25519' || !own)
    throw fail('log.bad_signature', 'by another log');
  const body = new TextEncoder().encode(note.text);
  const kept = [];
  for (const signature of note.signatures.filter((s) => isBy(s, policy.log))) {
    if (!crypto.ed25519.verify(signature.signature, body, policy.log.key))
      throw fail('log.bad_signature', 'of the log');
    if (kept.length === 0) kept.push(signature);
  }
  const newest = new Map<string, Cosigned>();
  for (const witness of policy.witnesses) {
    for (const signature of note.signatures.filter((s) => isBy(s, witness))) {
      const time = verifyCosignature(signature.signature, note.text, witness);
      kept.push(signature);
      // Counted by key: one witness under two names is still one witness.
      if (time >= (newest.get(witness.did)?.time ?? 0))
        newest.set(witness.did, Object.freeze({ witness: witness.name, time }));
    }
  }
  const cosigned = Object.freeze([...newest.values()].sort((a, b) => b.time - a.time));
  if (cosigned.length < policy.k) throw fail('log.not_enough_witnesses', `${cosigned.length} of ${policy.k}`);
  const time = policy.k === 0 ? null : cosigned[policy.k - 1]!.time;
  return new VerifiedCheckpoint(onlyHere, head, cosigned, time, formatNote({ text: note.text, signatures: kept }));
}

/** The origin a note claims, before anything is verified: to choose the key with which to open it. Throws `log.bad_note`. */
export function claimedOrigin(text: string): string {
  return parseHead(parseNote(text).text).origin;
}

/** A checkpoint signed by its log: key name and origin are the same. */
export async function signCheckpoint(head: Head, signer: Signer): Promise<string> {
  const text = formatHead(head);
  const { name, id } = logKey(head.origin, signer.did);
  const signature = await signer.sign(new TextEncoder().encode(text));
  return formatNote({ text, signatures: [{ name, id, signature }] });
}

/** The signature line by which a witness cosigns a head whose log signature it verified; `time` in seconds. */
export async function cosignCheckpoint(
  checkpoint: VerifiedCheckpoint,
  name: string,
  signer: Signer,
  time: number,
): Promise<string> {
  if (!isSize(time)) throw fail('log.bad_note', 'not a time');
  const key = witnessKey(name, signer.did);
  const signature = await signer.sign(cosignedMessage(time, parseNote(checkpoint.note).text));
  const stamped = new Uint8Array(8 + signature.length);
  new DataView(stamped.buffer).setBigUint64(0, BigInt(time));
  stamped.set(signature, 8);
  return formatSignature({ name: key.name, id: key.id, signature: stamped });
}

/** Three lines and optional extension lines, which our logs never write and others may. Throws `log.bad_note`. */
function parseHead(text: string): Head {
  const lines = text.slice(0, -1).split('\n');
  const [origin, decimal, hash] = lines;
  if (!origin || !decimal || !hash || lines.includes('')) throw fail('log.bad_note', 'not a checkpoint');
  const size = parseSize(decimal);
  if (size === undefined) throw fail('log.bad_note', 'not a tree size');
  const root = decodeBase64(hash);
  if (root.length !== hashLength) throw fail('log.bad_note', 'root hash of a wrong length');
  if (size === 0 && !crypto.equal(root, emptyRoot())) throw fail('log.bad_note', 'root of an empty tree');
  return { origin, size, root };
}

function formatHead({ origin, size, root }: Head): string {
  const text = `${origin}\n${size}\n${base64.encode(root)}\n`;
  parseHead(text);
  return text;
}

/** cosignature/v1 of C2SP tlog-cosignature: eight bytes of time, then Ed25519. Gives the time, in seconds. */
function verifyCosignature(signature: Uint8Array, text: Note['text'], witness: NoteKey): number {
  if (witness.type !== 'cosignature' || signature.length !== 72)
    throw fail('log.bad_signature', `of witness ${witness.name}`);
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  if (time > BigInt(Number.MAX_SAFE_INTEGER)) throw fail('log.bad_signature', 'cosignature time out of range');
  const message = cosignedMessage(Number(time), text);
  if (!crypto.ed25519.verify(signature.subarray(8), message, witness.key))
    throw fail('log.bad_signature', `of witness ${witness.name}`);
  return Number(time);
}

function cosignedMessage(time: number, text: Note['text']): Uint8Array {
  return new TextEncoder().encode(`cosignature/v1\ntime ${time}\n${text}`);
}
