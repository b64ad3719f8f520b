import { fail } from '@caponier/protocol';
import type { CheckedUse } from '@caponier/verify';

/** Who may do what beyond what a grant can say: some things are the owner's own, and no grant gives them to an agent. */

/** One of the owner's controllers, for its person. Throws `worker.owner_only`. */
export function requireOwner({ asker, owner }: CheckedUse): void {
  const own = asker.owner === owner.view.id && asker.agent === null;
  if (!own || owner.view.device(asker.device)?.role !== 'controller') throw fail('worker.owner_only');
}

/**
 * Rules are not for those they govern: an agent that can read them knows what to avoid saying. Throws
 * `memory.namespace_closed` for agents, and for whoever belongs to somebody else.
 */
export function requirePerson({ asker, owner }: CheckedUse): void {
  if (asker.agent !== null || asker.owner !== owner.view.id) throw fail('memory.namespace_closed');
}
