import type { Did } from '@caponier/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type BudgetAccount,
  type Decision,
  type DecisionLedger,
  IDEMPOTENCY_MS,
  MAX_DECISIONS_READ,
  MAX_NONCES_PER_SCOPE,
  type Report,
} from '../../src/index.ts';
import { type Backend, type OpenBackend, utf8 } from './harness.ts';

const now = Date.UTC(2030, 0, 1);
const service = 'did:key:z6MkGate' as Did;
const event = (body: string) => ({ service, salt: new Uint8Array(16), body: utf8(body), at: now });
const meals: BudgetAccount = { owner: 'o', budget: 'meals', currency: 'EUR', scope: 'claude@box', period: 0 };

let counter = 0;
function decision(change: Partial<Decision> = {}): Decision {
  counter += 1;
  return {
    owner: 'o',
    subject: 'claude@box',
    group: 'did:key:z6MkBox',
    key: `key-${counter}`,
    request: `request-${counter}`,
    kid: 'did:key:z6MkAgent',
    nonce: `nonce-${counter}`,
    approvals: '',
    decision: 'allow',
    permit: `{"n":${counter}}`,
    exp: now / 1000 + 300,
    now,
    statements: [],
    assumed: [],
    reserve: null,
    event: event(`${counter}`),
    ...change,
  };
}

const taking = (units: number, spent: number): Partial<Decision> => ({
  assumed: [{ account: meals, units: spent }],
  reserve: { account: meals, units },
});

const report = (request: string, result: Report['result'], change: Partial<Report> = {}): Report => {
  counter += 1;
  return {
    owner: 'o',
    request,
    outcome: `outcome-${counter}`,
    jws: 'jws',
    result,
    returns: null,
    event: event(`${counter}`),
    ...change,
  };
};

export function decisionLedgerContract(name: string, open: OpenBackend<DecisionLedger>): void {
  describe(`DecisionLedger contract: ${name}`, () => {
    let backend: Backend<DecisionLedger>;
    let ledger: DecisionLedger;
    beforeEach(async () => {
      backend = await open();
      ledger = backend.port;
    });
    afterEach(() => backend.close());

    it('counts the nonces of one device together, whatever keys it makes; those of others have room', async () => {
      const asked = Array.from({ length: MAX_NONCES_PER_SCOPE + 1 }, (_, n) => decision({ kid: `did:key:z6Mk${n}` }));
      const last = asked.pop()!;
      for (let n = 0; n < asked.length; n += 500) {
        await Promise.all(asked.slice(n, n + 500).map((one) => ledger.decide(one)));
      }
      await expect(ledger.decide(last)).rejects.toMatchObject({ code: 'store.full' });
      await ledger.decide({ ...last, group: 'did:key:z6MkLaptop' });
    }, 30_000);

    it('always has room to show the answer, however often was asked', async () => {
      const asked = decision({ decision: 'ask' });
      const again = (kind: Decision['decision']) =>
        ledger.decide({ ...asked, key: `again-${counter++}`, decision: kind });
      for (let n = 1; n < MAX_DECISIONS_READ; n++) await again('ask');
      await expect(again('ask')).rejects.toMatchObject({ code: 'request.replayed' });
      const answer = await again('allow');
      expect((await ledger.request(asked.request))!.decisions.at(-1)).toEqual(answer);
    });

    it('answers the same submission as before, however often, at once and across a restart', async () => {
      const one = decision();
      const answers = await Promise.all(Array.from({ length: 8 }, () => ledger.decide(one)));
      expect(answers).toEqual(Array.from({ length: 8 }, () => ({ event: 0, permit: one.permit })));
      ledger = await backend.reopen();
      expect(await ledger.standing(one)).toEqual({ answer: { event: 0, permit: one.permit }, request: 'decided' });
      expect(await ledger.decide({ ...one, permit: '{"other":1}' })).toEqual({ event: 0, permit: one.permit });
    });

    it('refuses a key that names another request, of this owner and subject only', async () => {
      const one = decision();
      await ledger.decide(one);
      const other = decision({ key: one.key });
      await expect(ledger.standing(other)).rejects.toMatchObject({ code: 'gate.idempotency_conflict' });
      await expect(ledger.decide(other)).rejects.toMatchObject({ code: 'gate.idempotency_conflict' });
      expect(await ledger.decide({ ...other, subject: 'claude@laptop' })).toMatchObject({ event: 1 });
      expect(await ledger.decide(decision({ key: one.key, owner: 'p' }))).toMatchObject({ event: 2 });
    });

    it('refuses a request that was decided, and a nonce that was taken under another id', async () => {
      const one = decision();
      await ledger.decide(one);
      const replays = [
        { ...one, key: 'another' },
        { ...decision(), kid: one.kid, nonce: one.nonce },
      ];
      for (const replay of replays) {
        expect((await ledger.standing(replay)).request).toBe('decided');
        await expect(ledger.decide(replay)).rejects.toMatchObject({ code: 'request.replayed' });
      }
    });

    it('decides a request again after an ask, under the same key or a new one, until it is decided', async () => {
      const ask = decision({ decision: 'ask' });
      await ledger.decide(ask);
      expect(await ledger.standing(ask)).toEqual({ answer: { event: 0, permit: ask.permit }, request: 'asked' });
      expect(await ledger.standing({ ...ask, approvals: 'yes' })).toEqual({ answer: null, request: 'asked' });
      expect(await ledger.decide({ ...ask, key: 'another', event: event('again') })).toMatchObject({ event: 1 });
      const yes = { ...ask, approvals: 'yes', decision: 'allow' as const, permit: '{"yes":1}', event: event('yes') };
      expect(await ledger.decide(yes)).toEqual({ event: 2, permit: yes.permit });
      expect(await ledger.decide(yes)).toEqual({ event: 2, permit: yes.permit });
      await expect(ledger.decide({ ...yes, key: 'third' })).rejects.toMatchObject({ code: 'request.replayed' });
      expect((await ledger.request(ask.request))?.decisions.map(({ event }) => event)).toEqual([0, 1, 2]);
    });

    it('lets nobody spend what another took in the meantime', async () => {
      const attempts = [decision(taking(30, 0)), decision(taking(30, 0))];
      const answers = await Promise.all(attempts.map((attempt) => ledger.decide(attempt)));
      expect(answers.filter((answer) => answer === 'stale')).toHaveLength(1);
      expect(await ledger.spent([meals, { ...meals, scope: '*' }])).toEqual([30, 0]);
    });

    it('writes nothing of a stale decision, and takes it when it is decided anew', async () => {
      const one = decision({ assumed: [{ account: meals, units: 5 }] });
      expect(await ledger.decide(one)).toBe('stale');
      expect(await ledger.request(one.request)).toBeUndefined();
      expect(await ledger.decide({ ...one, assumed: [{ account: meals, units: 0 }] })).toMatchObject({ event: 0 });
    });

    it('gives a reservation back once, on `refused` only', async () => {
      const [first, second, third] = [decision(taking(10, 0)), decision(taking(10, 10)), decision(taking(10, 20))];
      for (const one of [first, second, third]) await ledger.decide(one);
      const held = await ledger.reserved(first.request);
      expect(held).toEqual({ budget: 'meals', units: 10 });
      const refused = report(first.request, 'refused', { returns: held });
      expect(await ledger.report(refused)).toEqual({ event: 3, returned: true });
      expect(await ledger.report(refused)).toEqual({ event: 3, returned: true });
      await expect(ledger.report(report(first.request, 'refused'))).rejects.toMatchObject({ code: 'outcome.settled' });
      expect(await ledger.report(report(second.request, 'done'))).toEqual({ event: 4, returned: false });
      await expect(ledger.report(report(second.request, 'refused', { returns: held }))).rejects.toMatchObject({
        code: 'outcome.settled',
      });
      expect(await ledger.report(report(third.request, 'unknown'))).toEqual({ event: 5, returned: false });
      expect(await ledger.spent([meals])).toEqual([20]);
      expect(await ledger.report(report(third.request, 'refused', { returns: held }))).toMatchObject({
        returned: true,
      });
      expect(await ledger.spent([meals])).toEqual([10]);
    });

    it('takes no report whose event says something else than what comes back', async () => {
      const one = decision(taking(10, 0));
      await ledger.decide(one);
      for (const returns of [null, { budget: 'meals', units: 11 }]) {
        expect(await ledger.report(report(one.request, 'refused', { returns }))).toBe('stale');
      }
      expect(await ledger.spent([meals])).toEqual([10]);
    });

    it('balances, whatever happens in whatever order', async () => {
      const step = fc.record({ units: fc.nat(50), result: fc.constantFrom('done', 'refused', 'unknown', null) });
      await fc.assert(
        fc.asyncProperty(fc.uuid(), fc.array(step, { maxLength: 12 }), async (budget, steps) => {
          const account = { ...meals, budget };
          let expected = 0;
          for (const { units, result } of steps) {
            const [spent] = await ledger.spent([account]);
            expect(spent).toBe(expected);
            const one = decision({ assumed: [{ account, units: expected }], reserve: { account, units } });
            await ledger.decide(one);
            const returns = result === 'refused' ? await ledger.reserved(one.request) : null;
            if (result) await ledger.report(report(one.request, result as Report['result'], { returns }));
            if (result !== 'refused') expected += units;
          }
          expect(await ledger.spent([account])).toEqual([expected]);
        }),
        { numRuns: 15 },
      );
    });

    it('remembers keys for a day, and clears old ones away', async () => {
      const one = decision();
      await ledger.decide(one);
      await ledger.decide(decision({ now: now + IDEMPOTENCY_MS }));
      expect((await ledger.standing(one)).answer).not.toBeNull();
      await ledger.decide(decision({ now: now + IDEMPOTENCY_MS + 1 }));
      expect((await ledger.standing(one)).answer).toBeNull();
    });

    it('keeps statements, policies and whom an event concerns', async () => {
      const one = decision({
        statements: [
          { id: 'a', jws: 'x' },
          { id: 'b', jws: 'y' },
        ],
      });
      await ledger.decide(one);
      await ledger.decide(decision({ statements: [{ id: 'a', jws: 'x' }] }));
      expect(await ledger.statements(['b', 'none', 'a'])).toEqual([
        { id: 'b', jws: 'y' },
        { id: 'a', jws: 'x' },
      ]);
      expect(await ledger.refuse({ owner: 'p', event: event('no') })).toMatchObject({ index: 2 });
      expect(await Promise.all([0, 2, 3].map((index) => ledger.ownerOfEvent(index)))).toEqual(['o', 'p', undefined]);
      await ledger.keepPolicy({ policy: 'p', text: 'permit' });
      expect(await ledger.policy('p')).toBe('permit');
      expect(await ledger.policy('q')).toBeUndefined();
    });
  });
}
