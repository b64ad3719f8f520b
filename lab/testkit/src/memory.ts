import { fail } from '@caponier/protocol';
import type { FollowMemory, StandingRemoval, StoredHead, StoredLeaf } from '@caponier/verify';

/** A follower's memory without a disk: a second follower over the same one is a restart. */
export function testMemory(): FollowMemory {
  const heads = new Map<string, StoredHead>();
  const leaves = new Map<string, StoredLeaf[]>();
  const removals = new Map<string, Map<string, StandingRemoval>>();
  const of = <V>(map: Map<string, V>, log: string, empty: V): V => {
    if (!map.has(log)) map.set(log, empty);
    return map.get(log)!;
  };
  return {
    head: async (log) => heads.get(log),
    advance: async ({ log, from, leaves: added, head }) => {
      const stored = of(leaves, log, []);
      if (added.length > 0 && from !== stored.length) throw fail('log.bad_leaf', 'a gap');
      stored.push(...added);
      if (!head) return;
      if (head.size < (heads.get(log)?.size ?? 0)) throw fail('log.rolled_back');
      if (head.size > stored.length) throw fail('log.bad_leaf', 'missing leaves');
      heads.set(log, head);
    },
    leaves: async ({ log, from, limit }) => of(leaves, log, []).slice(from, from + limit),
    fill: async ({ log, index, statement, cosigns }) => {
      const stored = of(leaves, log, []);
      const leaf = stored[index];
      if (!leaf) throw fail('log.bad_leaf');
      if (leaf.statement === null) stored[index] = { leaf: leaf.leaf, statement, cosigns };
    },
    remove: async ({ log, removal }) => {
      of(removals, log, new Map()).set(removal.id, removal);
    },
    settle: async ({ log, id }) => {
      of(removals, log, new Map()).delete(id);
    },
    removals: async (log) => [...of(removals, log, new Map<string, StandingRemoval>()).values()],
  };
}
