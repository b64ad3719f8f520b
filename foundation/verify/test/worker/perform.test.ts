import { utf8 } from '@caponier/crypto';
import { fail, verifyStatement } from '@caponier/protocol';
import { makeLife, makeOwner, seededRandom, type TestOwner, testLedger, testViews } from '@caponier/testkit';
import { expect, test } from 'vitest';
import {
  type CheckedUse,
  checkUse,
  decodeWorkerEvent,
  encodeAnswer,
  openOutcome,
  performUse,
  recoverUses,
} from '../../src/index.ts';
import { makeBench, textOf } from './bench.ts';

async function checked(owner: TestOwner, ledger = testLedger()) {
  const bench = await makeBench({ owner, ledger });
  const life = await makeLife(owner);
  const ports = { me: bench.me, views: testViews([owner]), ledger, clock: owner.clock };
  const use = await checkUse(textOf(life), bench.call, ports);
  const perform = {
    ledger,
    views: ports.views,
    signer: owner.workers.memory,
    random: seededRandom('worker'),
    clock: owner.clock,
  };
  const ids = {
    worker: owner.workers.memory.did,
    owner: owner.id,
    request: life.request.statement.id,
    permit: life.permit.id,
    use: life.use.id,
  };
  return { life, use, ledger, perform, ids };
}

test('a use is intended before it is done, done before it is answered, and the answer is signed', async () => {
  const { use, ledger, perform, ids } = await checked(await makeOwner());
  const order: string[] = [];
  const answer = await performUse(use, perform, async (given) => {
    expect(given).toBe(use);
    order.push(...ledger.calls, 'act');
    return utf8('{"text":"hi"}');
  });
  expect([...order, ...ledger.calls.slice(1)]).toEqual(['intend', 'act', 'finish']);
  const { outcome, body } = openOutcome(encodeAnswer(answer), ids);
  expect(outcome.payload).toMatchObject({ result: 'done', code: 'worker.done', event: 0 });
  expect(body).toEqual(utf8('{"text":"hi"}'));
  expect(ledger.events.map((event) => decodeWorkerEvent(event.body).type)).toEqual(['intent', 'outcome']);
});

test('a coded error says that nothing was done, and is a signed refusal', async () => {
  const { use, perform, ids } = await checked(await makeOwner());
  const answer = await performUse(use, perform, async () => {
    throw fail('memory.no_entry');
  });
  expect(openOutcome(encodeAnswer(answer), ids).outcome.payload).toMatchObject({
    result: 'refused',
    code: 'memory.no_entry',
  });
});

test.each([
  ['something unexpected', new Error('boom')],
  ['a store that fails half way', fail('store.unavailable')],
  ['a call that may have gone out', fail('worker.outcome_unknown')],
])('%s leaves the outcome unknown', async (_name, error) => {
  const { use, perform, ids } = await checked(await makeOwner());
  const answer = await performUse(use, perform, async () => {
    throw error;
  });
  expect(openOutcome(encodeAnswer(answer), ids).outcome.payload.result).toBe('unknown');
});

test('what a crash cut off is unknown at the next start, and is not done again', async () => {
  const { use, ledger, perform } = await checked(await makeOwner());
  const broken = { ...perform, ledger: { ...ledger, finish: () => Promise.reject(fail('store.unavailable')) } };
  await expect(performUse(use, broken, async () => null)).rejects.toMatchObject({ code: 'store.unavailable' });
  expect(await recoverUses(perform)).toBe(1);
  expect(await recoverUses(perform)).toBe(0);
  const last = decodeWorkerEvent(ledger.events.at(-1)!.body);
  const outcome = verifyStatement(last.type === 'outcome' ? last.statement : '', 'outcome');
  expect(outcome.payload).toMatchObject({ result: 'unknown', use: use.use.id, permit: use.permit.id, event: 0 });
  await expect(performUse(use, perform, async () => null)).rejects.toMatchObject({ code: 'use.replayed' });
});

test('nothing acts on what only looks checked', async () => {
  const { use, perform, ledger } = await checked(await makeOwner());
  const copy = { ...use } as CheckedUse;
  await expect(performUse(copy, perform, async () => null)).rejects.toMatchObject({ code: 'host.internal' });
  expect(ledger.calls).toEqual([]);
});

test('an answer to another use, by another worker, or with another body is refused', async () => {
  const owner = await makeOwner();
  const { use, perform, ids } = await checked(owner);
  const answer = await performUse(use, perform, async () => utf8('yes'));
  const text = encodeAnswer(answer);
  for (const change of [
    { worker: owner.workers.secret.did },
    { owner: ids.request },
    { use: ids.permit },
    { request: ids.use },
    { permit: ids.use },
  ])
    expect(() => openOutcome(text, { ...ids, ...change })).toThrow(
      expect.objectContaining({ code: 'outcome.mismatch' }),
    );
  expect(() => openOutcome(encodeAnswer({ ...answer, body: utf8('no') }), ids)).toThrow();
  expect(() => openOutcome(encodeAnswer({ ...answer, body: null }), ids)).toThrow();
});
