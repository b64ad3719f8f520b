import { type Did, limits } from '@caponier/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Intent, WorkerLedger } from '../../src/index.ts';
import { type Backend, type OpenBackend, utf8 } from './harness.ts';

const service = 'did:key:z6MkWorker' as Did;
const hour = 3_600_000;
const noon = Date.UTC(2030, 0, 1, 12);
const count = { owner: 'owner', agent: 'claude@box', op: 'secret.use', resource: 'github' };
const event = (body: string) => ({ service, salt: new Uint8Array(16), body: utf8(body), at: noon });
const codes = (results: PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'fulfilled' ? 'ok' : result.reason.code)).sort();

let serial = 0;
const intent = (change: Partial<Intent> = {}): Intent => ({
  use: `use ${serial++}`,
  request: 'request',
  permit: 'permit',
  count,
  ceilings: [],
  counter: 0,
  uses: 1_000_000,
  exp: noon / 1000 + 300,
  now: noon,
  event: event('intent'),
  ...change,
});

export function workerLedgerContract(name: string, open: OpenBackend<WorkerLedger>): void {
  describe(`WorkerLedger contract: ${name}`, () => {
    let backend: Backend<WorkerLedger>;
    let ledger: WorkerLedger;
    beforeEach(async () => {
      backend = await open();
      ledger = backend.port;
    });
    afterEach(() => backend.close());
    const refused = (change: Partial<Intent>, code: string) =>
      expect(ledger.intend(intent(change))).rejects.toMatchObject({ code });

    it('gives a permit its number of uses, however many ask at once', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 8 }, (_, counter) => ledger.intend(intent({ counter, uses: 3 }))),
      );
      expect(codes(results)).toEqual([...Array(3).fill('ok'), ...Array(5).fill('permit.used_up')]);
      ledger = await backend.reopen();
      await refused({ counter: 100, uses: 3 }, 'permit.used_up');
    });

    it('takes each counter once, across a restart too', async () => {
      const results = await Promise.allSettled(Array.from({ length: 5 }, () => ledger.intend(intent({ counter: 4 }))));
      expect(codes(results)).toEqual(['ok', ...Array(4).fill('use.replayed')]);
      ledger = await backend.reopen();
      await refused({ counter: 4 }, 'use.replayed');
      await ledger.intend(intent({ counter: 4, request: 'another' }));
    });

    it('takes counters out of order within the window and none below it', async () => {
      const window = limits.useCounterWindow;
      await ledger.intend(intent({ counter: 5_000 }));
      await ledger.intend(intent({ counter: 5_000 - window + 1 }));
      await refused({ counter: 5_000 - window }, 'use.replayed');
      await ledger.intend(intent({ counter: 5_002 }));
      await ledger.intend(intent({ counter: 5_001 }));
      await refused({ counter: 5_000 - window + 2 }, 'use.replayed');
    });

    it('counts ceilings by owner, agent, operation and resource, across grants', async () => {
      const ceilings = [{ per: 'day' as const, uses: 2 }];
      await ledger.intend(intent({ counter: 0 }));
      await ledger.intend(intent({ counter: 1, ceilings }));
      await refused({ counter: 2, ceilings }, 'grant.ceiling_reached');
      await ledger.intend(intent({ counter: 2, ceilings: [{ per: 'total', uses: 3 }] }));
      for (const change of [{ owner: 'x' }, { agent: 'x@box' }, { op: 'x' }, { resource: 'x' }]) {
        await ledger.intend(intent({ counter: 10 + serial, ceilings, count: { ...count, ...change } }));
      }
      expect(await ledger.counts({ ...count, now: noon })).toEqual({ hour: 3, day: 3, total: 3 });
      expect(await ledger.counts({ ...count, owner: 'x', now: noon })).toEqual({ hour: 1, day: 1, total: 1 });
    });

    it('never lets more through than a ceiling when many ask at once', async () => {
      const ceilings = [{ per: 'hour' as const, uses: 5 }];
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, counter) => ledger.intend(intent({ counter, ceilings }))),
      );
      expect(codes(results)).toEqual([...Array(15).fill('grant.ceiling_reached'), ...Array(5).fill('ok')]);
    });

    it('opens a ceiling again in the next period, but not for a clock set back', async () => {
      const ceilings = [{ per: 'hour' as const, uses: 1 }];
      const at = (now: number, counter: number) => ({ now, counter, ceilings });
      await ledger.intend(intent(at(noon, 0)));
      await refused(at(noon + hour - 1, 1), 'grant.ceiling_reached');
      await ledger.intend(intent(at(noon + hour, 1)));
      await refused(at(noon - hour, 2), 'grant.ceiling_reached');
      expect(await ledger.counts({ ...count, now: noon + 24 * hour })).toEqual({ hour: 0, day: 0, total: 2 });
    });

    it('changes nothing when it refuses', async () => {
      await ledger.intend(intent({ counter: 0, uses: 1 }));
      await refused({ counter: 1, uses: 1 }, 'permit.used_up');
      expect(await ledger.counts({ ...count, now: noon })).toEqual({ hour: 1, day: 1, total: 1 });
      expect(await ledger.openIntents()).toHaveLength(1);
      const next = await ledger.intend(intent({ counter: 1, permit: 'second', uses: 1 }));
      expect(next.index).toBe(1);
    });

    it('reports intents without an outcome after a restart, and closes each once', async () => {
      const one = intent({ counter: 0 });
      const two = intent({ counter: 1 });
      const first = await ledger.intend(one);
      const second = await ledger.intend(two);
      await ledger.finish({ use: one.use, event: event('done') });
      ledger = await backend.reopen();
      expect(await ledger.openIntents()).toEqual([
        { use: two.use, request: 'request', permit: 'permit', owner: 'owner', service, event: second.index, at: noon },
      ]);
      const outcome = await ledger.finish({ use: two.use, event: event('unknown') });
      expect([first.index, second.index, outcome.index]).toEqual([0, 1, 3]);
      expect(await ledger.openIntents()).toEqual([]);
      await expect(ledger.finish({ use: two.use, event: event('done') })).rejects.toMatchObject({
        code: 'worker.outcome_unknown',
      });
    });

    it('keeps counters and used permits until expiry and skew have passed', async () => {
      await ledger.intend(intent({ counter: 0, uses: 1 }));
      const last = noon + (300 + limits.clockSkewSeconds) * 1000;
      const again = { counter: 0, uses: 1, exp: last / 1000 };
      await refused({ ...again, now: last }, 'use.replayed');
      await refused({ ...again, counter: 1, now: last }, 'permit.used_up');
      await ledger.intend(intent({ ...again, now: last + 1 }));
    });
  });
}
