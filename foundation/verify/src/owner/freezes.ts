import { type Did, fail, isDid, type Verified } from '@caponier/protocol';
import type { State, Thaw } from './state.ts';

/**
 * Freezes stand outside the chain: no place, no expiry, in effect on sight. Lifting one is in the chain, by its id.
 *
 * A `thaw` takes its place in the chain for everybody alike, and what it lifts is judged by whoever knows the freeze: so
 * readers that learn of a freeze early, late or never still agree on the chain.
 */
export type Freezes = ReadonlyMap<string, Verified<'freeze'>>;

/** Freezes of one approver that may stand at once; a freeze of everything is always taken. */
export const maxFreezesPerApprover = 16;

/** True where the thaw was signed by the recovery key, or beside the root by an approver that this freeze does not stop. */
function lifts(thaw: Thaw | undefined, freeze: Verified<'freeze'>): boolean {
  if (!thaw) return false;
  return thaw.recovery || thaw.by.some((did) => did !== freeze.payload.target);
}

export function freezesInForce(state: State, freezes: Freezes): Verified<'freeze'>[] {
  return [...freezes.values()].filter((freeze) => !lifts(state.thaws.get(freeze.id), freeze));
}

/** The freeze that stops this device or agent, if one does. */
export function freezeOf(
  state: State,
  freezes: Freezes,
  device: Did | null,
  agent: string | null,
): Verified<'freeze'> | undefined {
  return freezesInForce(state, freezes).find(({ payload: { what, target } }) => {
    if (what === 'all') return true;
    return target !== null && target === (what === 'device' ? device : agent);
  });
}

const agentForm = /^[^@]+@[^@]+$/;

/** Throws `owner.conflict` (form, too many) or `owner.not_authorised` (not by an approver of this owner). */
export function checkFreeze(state: State, freezes: Freezes, owner: string, freeze: Verified<'freeze'>): void {
  const { aud, what, target } = freeze.payload;
  if (aud !== owner) throw fail('owner.conflict', 'freeze for another owner');
  const fits =
    (what === 'all' && target === null) ||
    (what === 'device' && target !== null && isDid(target, 'ed25519')) ||
    (what === 'agent' && target !== null && agentForm.test(target));
  if (!fits) throw fail('owner.conflict', 'target of a freeze');
  if (!state.approvers.has(freeze.kid)) throw fail('owner.not_authorised', 'freeze by no approver');
  const standing = freezesInForce(state, freezes).filter((other) => other.kid === freeze.kid);
  const all = what === 'all' && !standing.some((other) => other.payload.what === 'all');
  if (standing.length >= maxFreezesPerApprover && !all) throw fail('owner.conflict', 'too many freezes stand');
}
