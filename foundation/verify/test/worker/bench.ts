import type { TestLife, TestOwner } from '@caponier/testkit';
import { bundleOf, makeOwner, testLedger, testPath, testViews } from '@caponier/testkit';
import { type Call, type DatedView, encodeUse, openUse, type Serves, type WorkerLedger } from '../../src/index.ts';
import { type Check, checkOrder, runChecks } from '../../src/worker/order.ts';
import { UseUnderCheck } from '../../src/worker/under-check.ts';

/** A worker of the class `memory` over one owner, to show uses to. */
export interface Bench {
  readonly owner: TestOwner;
  readonly others: readonly TestOwner[];
  readonly me: Serves;
  readonly call: Call;
  readonly ledger: WorkerLedger;
  readonly dated: () => Partial<DatedView>;
}

const resourceForm = /^[a-z]+$/;

export async function makeBench(change: Partial<Bench> = {}): Promise<Bench> {
  const owner = change.owner ?? (await makeOwner());
  return {
    owner,
    others: [],
    me: servesMemory(owner),
    call: { method: 'POST', path: testPath },
    ledger: testLedger(),
    dated: () => ({}),
    ...change,
  };
}

const servesMemory = (owner: TestOwner): Serves => ({
  did: owner.workers.memory.did,
  class: 'memory',
  ops: { 'memory.get': resourceForm, 'memory.put': resourceForm },
});

export const servesSecret = (owner: TestOwner): Serves => ({
  did: owner.workers.secret.did,
  class: 'secret',
  ops: { 'secret.use': resourceForm, 'secret.reveal': resourceForm },
});

export function textOf(life: TestLife, body: Uint8Array | null = life.request.body): Uint8Array {
  return encodeUse(bundleOf(life), body);
}

/** Shows a use to the checks of the worker, all of them or those of `order`. Throws what they throw. */
export async function show(bench: Bench, text: Uint8Array, order: readonly Check[] = checkOrder): Promise<void> {
  const { owner, others, me, call, ledger, dated } = bench;
  const check = new UseUnderCheck({
    ...openUse(text),
    call,
    me,
    views: testViews([owner, ...others], dated),
    ledger,
    now: owner.clock(),
  });
  await runChecks(order, check);
}
