import { GROUP_SUBMISSIONS } from '@caponier/store';
import { makeAgent } from '@caponier/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeGate, secretRequest, type TestGate } from './harness.ts';

describe('hostile timing and numbers', () => {
  let t: TestGate;
  beforeEach(async () => {
    t = await makeGate();
  });
  afterEach(() => t.close());

  /** Holds the next call of one step of the ledger until `go`. */
  function hold<K extends 'standing' | 'spent'>(step: K) {
    const { ledger } = t.store;
    const real = ledger[step] as (...args: unknown[]) => Promise<unknown>;
    const reached = Promise.withResolvers<void>();
    const free = Promise.withResolvers<void>();
    Object.assign(ledger, {
      async [step](...args: unknown[]) {
        reached.resolve();
        await free.promise;
        return real(...args);
      },
    });
    return { reached: reached.promise, go: free.resolve };
  }

  it.each(['standing', 'spent'] as const)(
    'no permit is made once a freeze is acknowledged (held at %s)',
    async (step) => {
      const held = hold(step);
      const first = t.submit(await secretRequest(t.owner));
      const queued = t.submit(await secretRequest(t.owner));
      await held.reached;
      expect((await t.freeze()).status).toBe(200);
      held.go();
      expect((await first).body.code).toBe('owner.frozen');
      expect((await queued).body.code).toBe('owner.frozen');
    },
  );

  it('a device that names agent after agent has one rate for all of them', async () => {
    const { grants } = t.owner;
    const requests = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const asker = await makeAgent(t.owner, { name: `a${n}` });
        return secretRequest(t.owner, { asker, change: { grant: grants.memory } });
      }),
    );
    const codes: string[] = [];
    for (let n = 0; n <= GROUP_SUBMISSIONS.burst; n++)
      codes.push((await t.submit(requests[n % requests.length]!)).body.code);
    expect(codes.pop()).toBe('host.rate_limited');
    expect(new Set(codes)).toEqual(new Set(['grant.not_covered']));
  });
});
