import { fail, type Verified } from '@caponier/protocol';
import { demandRoots } from './authority.ts';
import type { State } from './state.ts';

/**
 * Revocations seen before the log shows them: they take effect on sight, from any source (design section 4).
 *
 * One counts against what was said before its own place, so that showing an old revocation again does not undo a later
 * enrolment. It keeps counting when another statement took its place in the chain: its owner did want it, and will sign
 * it again.
 */
export type Removals = ReadonlyMap<string, Verified<'revoke'>>;

type What = Verified<'revoke'>['payload']['what'];

const removalKey = (what: What, target: string) => `${what}:${target}`;

export function isRemoved(removals: Removals, what: What, target: string, said: { readonly seq: number }): boolean {
  const removal = removals.get(removalKey(what, target));
  return removal !== undefined && removal.payload.seq > said.seq;
}

/** The removals with this one, or the same where it changes nothing. Throws as `demandRoots`, and `owner.conflict`. */
export function addRemoval(
  state: State,
  removals: Removals,
  owner: string,
  revoke: Verified<'revoke'>,
  cosigns: readonly Verified<'cosign'>[],
): Removals {
  const { what, target, seq } = revoke.payload;
  if (revoke.payload.owner !== owner) throw fail('owner.conflict', 'revocation for another owner');
  demandRoots(state.roots, owner, revoke, cosigns);
  const said = { device: state.devices, approver: state.approvers, grant: state.grants }[what].get(target);
  const key = removalKey(what, target);
  // Nothing is kept for what is not there, so that the map never outgrows the chain.
  if (!said || said.seq >= seq || (removals.get(key)?.payload.seq ?? 0) >= seq) return removals;
  return new Map(removals).set(key, revoke);
}

/** After a new statement: drops what the chain has done itself, and what was signed by a key that is no root any more. */
export function settleRemovals(state: State, removals: Removals): Removals {
  if (removals.size === 0) return removals;
  return new Map(
    [...removals].filter(([, { kid, payload }]) => {
      const { what, target, seq } = payload;
      const said = { device: state.devices, approver: state.approvers, grant: state.grants }[what].get(target);
      return said !== undefined && said.seq < seq && state.roots.keys.includes(kid);
    }),
  );
}
