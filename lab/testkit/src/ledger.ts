import { crypto } from '@caponier/crypto';
import { type Did, eventHash, fail, firstPrev, limits } from '@caponier/protocol';
import type { CountKey, EventPlace, Intent, NewEvent, OpenIntent, Period, WorkerLedger } from '@caponier/verify';

/** The three things that the one transaction of a worker takes; a test can leave one out to see that it is missed. */
export type LedgerTake = 'ceilings' | 'counter' | 'uses';

export interface TestLedger extends WorkerLedger {
  /** Every event appended, in order. */
  readonly events: readonly (NewEvent & EventPlace)[];
  /** What happened, in order: `intend`, `finish`. */
  readonly calls: readonly string[];
}

/** A worker's ledger without a disk. */
export function testLedger(options: { readonly without?: LedgerTake } = {}): TestLedger {
  const counts = new Map<string, number>();
  const counters = new Map<string, { highest: number; seen: Set<number> }>();
  const uses = new Map<string, number>();
  const open = new Map<string, OpenIntent>();
  const events: (NewEvent & EventPlace)[] = [];
  const calls: string[] = [];

  const keyOf = ({ owner, agent, op, resource }: CountKey, per: Period, now: number) => {
    const period = { hour: Math.floor(now / 3_600_000), day: Math.floor(now / 86_400_000), total: 0 }[per];
    return JSON.stringify([owner, agent, op, resource, per, period]);
  };
  const periods = ['hour', 'day', 'total'] as const;

  const takes: Record<LedgerTake, (intent: Intent) => void> = {
    ceilings: ({ count, ceilings, now }) => {
      for (const { per, uses: most } of ceilings)
        if ((counts.get(keyOf(count, per, now)) ?? 0) >= most) throw fail('grant.ceiling_reached');
    },
    counter: ({ request, counter }) => {
      const window = counters.get(request);
      if (!window) return;
      if (window.seen.has(counter) || counter <= window.highest - limits.useCounterWindow) throw fail('use.replayed');
    },
    uses: ({ permit, uses: most }) => {
      if ((uses.get(permit) ?? 0) >= most) throw fail('permit.used_up');
    },
  };

  const append = (event: NewEvent): EventPlace => {
    const index = events.length;
    const prev = events.at(-1)?.hash ?? firstPrev(event.service);
    const place = { index, prev, hash: eventHash(index, prev, crypto.sha256(event.salt, event.body)) };
    events.push({ ...event, ...place });
    return place;
  };

  return {
    events,
    calls,
    counts: async ({ now, ...key }) => {
      const [hour = 0, day = 0, total = 0] = periods.map((per) => counts.get(keyOf(key, per, now)) ?? 0);
      return { hour, day, total };
    },
    intend: async (intent) => {
      calls.push('intend');
      for (const [name, take] of Object.entries(takes)) if (name !== options.without) take(intent);
      if (open.has(intent.use) && options.without !== 'counter') throw fail('use.replayed');
      for (const per of periods) {
        const key = keyOf(intent.count, per, intent.now);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      const window = counters.get(intent.request) ?? { highest: 0, seen: new Set() };
      counters.set(intent.request, {
        highest: Math.max(window.highest, intent.counter),
        seen: window.seen.add(intent.counter),
      });
      uses.set(intent.permit, (uses.get(intent.permit) ?? 0) + 1);
      const place = append(intent.event);
      const { use, request, permit, count, event } = intent;
      open.set(use, { use, request, permit, owner: count.owner, service: event.service as Did, event: place.index });
      return place;
    },
    finish: async ({ use, event }) => {
      calls.push('finish');
      if (!open.delete(use)) throw fail('worker.outcome_unknown');
      return append(event);
    },
    openIntents: async () => [...open.values()],
  };
}
