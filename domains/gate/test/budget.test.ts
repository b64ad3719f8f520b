import { makeAgent } from '@caponier/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeGate, secretRequest, type TestGate } from './harness.ts';

const policy = `@id("meals") @budget("meals 50.00 EUR per day") permit (principal, action, resource);`;
const eur = (units: number) => ({ amount: { units, currency: 'EUR' } });

describe('budgets of the gate', () => {
  let t: TestGate;
  beforeEach(async () => {
    t = await makeGate(policy);
  });
  afterEach(() => t.close());
  const ask = async (units: number, asker?: Awaited<ReturnType<typeof makeAgent>>) =>
    t.permit(await secretRequest(t.owner, { change: eur(units), ...(asker && { asker }) }));

  it('are reserved with the permit, which says before and after', async () => {
    expect((await ask(3000)).payload.budget).toEqual({ name: 'meals', currency: 'EUR', before: 5000, after: 2000 });
    expect((await ask(2001)).payload).toMatchObject({ decision: 'deny', code: 'budget.exceeded', budget: null });
    expect((await ask(2000)).payload.budget).toMatchObject({ before: 2000, after: 0 });
  });

  it('cannot be overspent by many at once', async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(1000)));
    const allowed = answers.filter(({ payload }) => payload.decision === 'allow');
    expect(allowed).toHaveLength(5);
    expect(answers.filter(({ payload }) => payload.code === 'budget.exceeded')).toHaveLength(7);
    expect(allowed.map(({ payload }) => payload.budget!.after).sort((a, b) => a - b)).toEqual([
      0, 1000, 2000, 3000, 4000,
    ]);
  });

  it('count by the name of the agent, whatever key its run has', async () => {
    await ask(5000);
    const sameName = await makeAgent(t.owner, { depth: 2 });
    expect((await ask(1, sameName)).payload.code).toBe('budget.exceeded');
    const other = await makeAgent(t.owner, { name: 'other' });
    expect((await ask(5000, other)).payload.decision).toBe('allow');
  });

  it('start anew with the period', async () => {
    await ask(5000);
    await t.gate.drained();
    t.owner.clock.advance(24 * 3600);
    expect((await ask(5000)).payload.decision).toBe('allow');
  });

  it('come back only on a `refused` signed by the worker, once, and stay with silence', async () => {
    const first = await ask(5000);
    const results = [
      await t.outcome(first, {}, t.owner.workers.memory),
      await t.outcome(first, {}, t.owner.laptop.signer),
      await t.outcome(first, { permit: first.payload.request }),
      await t.outcome(first, { aud: first.payload.request }),
    ];
    expect(results.map(({ body }) => body.code)).toEqual([
      'outcome.bad_signer',
      'outcome.bad_signer',
      'outcome.unknown_permit',
      'outcome.unknown_permit',
    ]);
    expect((await ask(1)).payload.code).toBe('budget.exceeded');
    expect((await t.outcome(first, { result: 'unknown', code: 'worker.outcome_unknown' })).body.returned).toBe(false);
    expect((await ask(1)).payload.code).toBe('budget.exceeded');
    const back = await t.outcome(first);
    expect(back).toMatchObject({ status: 200, body: { returned: true } });
    expect((await t.events())[back.body.event]).toMatchObject({
      type: 'outcome',
      result: 'refused',
      returned: { budget: 'meals', units: 5000 },
    });
    expect((await t.outcome(first)).body.code).toBe('outcome.settled');
    expect((await ask(5000)).payload.decision).toBe('allow');
    expect((await ask(1)).payload.code).toBe('budget.exceeded');
  });

  it('do not come back after `done`', async () => {
    const permit = await ask(5000);
    expect((await t.outcome(permit, { result: 'done', code: 'worker.done' })).body.returned).toBe(false);
    expect((await t.outcome(permit)).body.code).toBe('outcome.settled');
    expect((await ask(1)).payload.code).toBe('budget.exceeded');
  });

  it('stay reserved across a restart', async () => {
    await ask(4000);
    await t.restart();
    expect((await ask(1001)).payload.code).toBe('budget.exceeded');
    expect((await ask(1000)).payload.decision).toBe('allow');
  });
});
