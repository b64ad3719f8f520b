import { crypto, fromBase64url } from '@caponier/crypto';
import { type Did, eventHash, fail, firstPrev, limits, registryWire } from '@caponier/protocol';
import {
  type CheckpointPolicy,
  formatProofFile,
  leafHash,
  logKey,
  parseProofFile,
  verifyProofFile,
  witnessKey,
} from '@caponier/tlog';
import type { Trust } from '../owner/state.ts';
import type { CapsuleEvent } from './form.ts';

/** Proofs that something is in a log that this owner's witnesses saw. */

/** Whose signatures count for a log, by the owner's own word. Throws `log.not_enough_witnesses` where it names none. */
export function logPolicy(trust: Trust, log: registryWire.LogName): CheckpointPolicy {
  if (trust.k < 1) throw fail('log.not_enough_witnesses', 'the owner names none');
  return {
    log: logKey(registryWire.originOf(trust.log.origin, log), trust.log.key),
    witnesses: trust.witnesses.map(({ name, key }) => witnessKey(name, key)),
    k: trust.k,
  };
}

/**
 * The k-th newest cosignature time of the checkpoint that covers the leaf, in seconds. Signatures that nobody would check
 * are refused: each byte of the file counts. Throws `log.bad_note`, `.bad_signature`, `.bad_proof`, `.not_enough_witnesses`.
 */
export function checkLogged(logged: string, leaf: Uint8Array, policy: CheckpointPolicy): number {
  const { checkpoint } = verifyProofFile(logged, leaf, policy);
  if (normalProof(logged, checkpoint.note) !== logged) throw fail('log.bad_note', 'more than is checked');
  return checkpoint.time!;
}

/** The proof file with the signatures that were verified, and no others. */
export function normalProof(logged: string, note: string): string {
  const { index, proof } = parseProofFile(logged);
  return formatProofFile({ index, proof, checkpoint: note });
}

export interface ShownEvent {
  readonly body: Uint8Array;
  /** When witnesses had seen it, seconds since the epoch. */
  readonly seen: number;
}

/**
 * The event's hash leads to a leaf of `events`; its salted digest is that of the body shown. Gives the body, and the time
 * at which witnesses had seen it. Throws as `checkLogged`.
 */
export function checkEvent(event: CapsuleEvent, service: Did, trust: Trust): ShownEvent {
  const body = fromBase64url(event.body);
  const salt = fromBase64url(event.salt);
  const prev = fromBase64url(event.prev);
  // The first event names its service; the others do so through it.
  if (event.index === 0 && !crypto.equal(prev, firstPrev(service))) throw fail('log.bad_proof', 'of another service');
  const leaf = leafHash(eventHash(event.index, prev, crypto.sha256(salt, body)));
  return { body, seen: checkLogged(event.logged, leaf, logPolicy(trust, 'events')) };
}

/** Whether `later` may follow `earlier`, in seconds by two clocks. */
export function follows(earlier: number, later: number): boolean {
  return later + limits.clockSkewSeconds >= earlier;
}
