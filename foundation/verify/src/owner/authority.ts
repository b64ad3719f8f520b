import { type ChainKind, type Did, fail, type Payload, type Verified } from '@caponier/protocol';
import type { Roots, State } from './state.ts';

/** Who may say what in an owner's chain (design section 3). Signatures are verified already; here it is whose they are. */

type Cosigns = readonly Verified<'cosign'>[];

/**
 * The keys of `keys` that stand under the statement. Cosigns of something else count for nothing and refuse nothing: they
 * travel beside, unsigned as a set, and whoever carries them could otherwise void a good statement by adding a bad one.
 */
function signersAmong(keys: readonly Did[], owner: string, statement: Verified<ChainKind>, cosigns: Cosigns): Set<Did> {
  const signers = new Set<Did>();
  if (keys.includes(statement.kid)) signers.add(statement.kid);
  for (const cosign of cosigns) {
    const { aud, of, exp } = cosign.payload;
    if (aud === owner && of === statement.id && exp >= statement.payload.iat && keys.includes(cosign.kid))
      signers.add(cosign.kid);
  }
  return signers;
}

function demand(keys: readonly Did[], k: number, owner: string, statement: Verified<ChainKind>, cosigns: Cosigns) {
  if (!keys.includes(statement.kid)) throw fail('owner.not_authorised', statement.kind);
  if (signersAmong(keys, owner, statement, cosigns).size < k) throw fail('owner.not_enough_signatures', statement.kind);
}

/** k of the root keys; the first of them signs the statement itself. */
export function demandRoots(
  roots: Pick<Roots, 'keys' | 'k'>,
  owner: string,
  statement: Verified<ChainKind>,
  cosigns: Cosigns,
): void {
  demand(roots.keys, roots.k, owner, statement, cosigns);
}

/**
 * The recovery key, or the quorum. Never the everyday root, which is the key a thief would have, except once: to set the
 * first recovery key and nothing else.
 */
function demandRotation(state: State, owner: string, statement: Verified<'rotate'>, cosigns: Cosigns): void {
  const { recovery, quorum, rotated } = state.roots;
  if (statement.kid === recovery) return;
  if (quorum.keys.includes(statement.kid)) {
    demand(quorum.keys, quorum.k, owner, statement, cosigns);
    return;
  }
  if (rotated || recovery !== null || quorum.k > 0 || !setsOnlyRecovery(state.roots, statement.payload))
    throw fail('owner.not_authorised', 'rotate');
  demandRoots(state.roots, owner, statement, cosigns);
}

function setsOnlyRecovery(now: Roots, next: Pick<Verified<'rotate'>['payload'], 'keys' | 'k' | 'recovery' | 'quorum'>) {
  return (
    next.recovery !== null &&
    next.k === now.k &&
    next.keys.length === now.keys.length &&
    next.keys.every((key, i) => key === now.keys[i]) &&
    next.quorum.k === 0 &&
    next.quorum.keys.length === 0
  );
}

/** The approvers that cosigned a `thaw`. Whether they may lift a certain freeze is judged where that freeze is known. */
export function thawApprovers(state: State, owner: string, statement: Verified<'thaw'>, cosigns: Cosigns): Did[] {
  const approvers = [...state.approvers.values()].map((approver) => approver.key);
  const signers = signersAmong(approvers, owner, statement, cosigns);
  signers.delete(statement.kid);
  return [...signers];
}

function demandThaw(state: State, owner: string, statement: Verified<'thaw'>, cosigns: Cosigns): void {
  if (statement.kid === state.roots.recovery) return;
  demandRoots(state.roots, owner, statement, cosigns);
  if (thawApprovers(state, owner, statement, cosigns).length === 0)
    throw fail('owner.not_enough_signatures', 'thaw without an approver');
}

/** Throws `owner.not_authorised` or `owner.not_enough_signatures`. */
export function demandAuthority(
  state: State,
  owner: string,
  statement: Verified<Exclude<ChainKind, 'owner'>>,
  cosigns: Cosigns,
): void {
  if (statement.kind === 'rotate') demandRotation(state, owner, statement as Verified<'rotate'>, cosigns);
  else if (statement.kind === 'thaw') demandThaw(state, owner, statement as Verified<'thaw'>, cosigns);
  else demandRoots(state.roots, owner, statement, cosigns);
}

/** Roots that could never be met, or met by one key twice, are refused before anybody depends on them. */
export function checkRoots(next: Pick<Payload<'owner'>, 'k' | 'recovery'> & RootKeys): void {
  const { keys, k, recovery, quorum } = next;
  const distinct = (list: readonly Did[]) => new Set(list).size === list.length;
  if (!distinct(keys) || k > keys.length) throw fail('owner.conflict', 'root keys');
  if (!distinct(quorum.keys) || quorum.k > quorum.keys.length || (quorum.k === 0) !== (quorum.keys.length === 0))
    throw fail('owner.conflict', 'quorum');
  if (recovery !== null && keys.includes(recovery)) throw fail('owner.conflict', 'recovery key is a root key');
}

interface RootKeys {
  readonly keys: readonly Did[];
  readonly quorum: { readonly keys: readonly Did[]; readonly k: number };
}
