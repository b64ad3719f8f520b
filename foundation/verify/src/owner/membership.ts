import { fromBase64url } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { emptyRoot, leafHash, type NodeReader, nodeHash, proveInclusion, verifyInclusion } from '@caponier/tlog';
import type { State } from './state.ts';

/**
 * The `view` of a statement: the RFC 6962 root over the ids of the other statements that are in force after it, as 32-byte
 * leaves in ascending order. The statement itself is not among them (its id hashes its own `view`); that it is in force
 * needs no proof, for it is the one that carries the root. Ids commit to kind and content, so a proof of membership says all.
 */

export interface MemberProof {
  readonly index: number;
  readonly size: number;
  /** RFC 6962 audit path. */
  readonly path: readonly Uint8Array[];
}

/** Ids of the statements in force. */
export function idsInForce(state: State): string[] {
  const single = [state.roots, state.trust, state.policy].flatMap((said) => (said ? [said.id] : []));
  const many = [state.devices, state.approvers, state.grants, state.epochs];
  return [...single, ...many.flatMap((map) => [...map.values()].map((said) => said.id))];
}

function sortedLeaves(ids: readonly string[]): { ids: string[]; hashes: Uint8Array[] } {
  const leaves = ids.map((id) => ({ id, bytes: fromBase64url(id) }));
  leaves.sort((a, b) => compareBytes(a.bytes, b.bytes));
  return { ids: leaves.map((l) => l.id), hashes: leaves.map((l) => leafHash(l.bytes)) };
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const at = a.findIndex((byte, i) => byte !== b[i]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

/** Root over ids, in any order; the statement that will carry it is left out by the caller. */
export function rootOverIds(ids: readonly string[]): Uint8Array {
  let level = sortedLeaves(ids).hashes;
  if (level.length === 0) return emptyRoot();
  // Pairing neighbours and carrying an odd last one up gives the tree of RFC 6962.
  while (level.length > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 2) {
      const right = level[i + 1];
      next.push(right ? nodeHash(level[i]!, right) : level[i]!);
    }
    level = next;
  }
  return level[0]!;
}

/** Proves that `id` is among `ids`. Throws `owner.unknown` where it is not. */
export async function proveAmong(ids: readonly string[], id: string): Promise<MemberProof> {
  const sorted = sortedLeaves(ids);
  const index = sorted.ids.indexOf(id);
  if (index < 0) throw fail('owner.unknown', 'not in force');
  const read: NodeReader = async (height, at) => {
    const width = 2 ** height;
    return rootOverIds(sorted.ids.slice(at * width, (at + 1) * width));
  };
  return { index, size: sorted.ids.length, path: await proveInclusion(index, sorted.ids.length, read) };
}

/** Checks that the statement `id` is in force under `view` (base64url, of a statement of the chain). Throws `log.bad_proof`. */
export function verifyMember(id: string, proof: MemberProof, view: string): void {
  verifyInclusion(leafHash(fromBase64url(id)), proof.index, proof.size, proof.path, fromBase64url(view));
}
