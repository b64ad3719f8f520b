import { limits } from '@caponier/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type CounterWindow, takeCounter } from '../../src/sqlite/counter-window.ts';

it('agrees with a list of everything ever seen', () => {
  const counter = fc.oneof(
    fc.integer({ min: 0, max: 5_000 }),
    fc.integer({ min: 0, max: 60 }),
    fc.constantFrom(0, 1_023, 1_024, 1_025, 2_047, 2_048, 4_294_967_295),
  );
  fc.assert(
    fc.property(fc.array(counter, { maxLength: 200 }), (counters) => {
      const seen = new Set<number>();
      let window: CounterWindow | undefined;
      for (const next of counters) {
        const highest = seen.size === 0 ? undefined : Math.max(...seen);
        const fresh = !seen.has(next) && (highest === undefined || next > highest - limits.useCounterWindow);
        const taken = takeCounter(window, next);
        expect(taken !== undefined).toBe(fresh);
        if (taken) {
          window = taken;
          seen.add(next);
        }
      }
    }),
  );
});
