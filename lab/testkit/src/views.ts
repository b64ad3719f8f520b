import { fail } from '@caponier/protocol';
import type { DatedView, Views } from '@caponier/verify';
import type { TestOwner } from './owner.ts';

/** Views of test owners as a follower would give them, fresh at the clock's time; `change` makes them stale or troubled. */
export function testViews(owners: readonly TestOwner[], change: () => Partial<DatedView> = () => ({})): Views {
  return {
    get: (id) => {
      const owner = owners.find((other) => other.id === id);
      if (!owner) throw fail('owner.unknown');
      const now = owner.clock.seconds();
      return { view: owner.view, asOf: now, newest: now, trouble: null, ...change() };
    },
  };
}
