import { makeLife, makeOwner, makeUse, seededRandom, type TestOwner, testLedger, testViews } from '@caponier/testkit';
import { expect, test } from 'vitest';
import { maxUsesUnderWayPerOwner, startWorker } from '../../src/index.ts';
import { makeBench, textOf } from './bench.ts';

/** The texts of so many uses of one permit. */
async function uses(owner: TestOwner, count: number): Promise<Uint8Array[]> {
  const life = await makeLife(owner, { request: { change: { uses: count } } });
  const texts = [];
  for (let counter = 0; counter < count; counter++) {
    const use = await makeUse(owner, life.request, life.permit, { change: { counter } });
    texts.push(textOf({ ...life, use }));
  }
  return texts;
}

test('slow calls of one owner leave room for the others', async () => {
  const ada = await makeOwner('ada');
  const { broker, gate, workers, relay, registry, logOrigin, witness, witnessName } = ada;
  const services = { broker, gate, workers, relay, registry, logOrigin, witness, witnessName };
  const bob = await makeOwner('bob', { clock: ada.clock, services });
  const { me, call } = await makeBench({ owner: ada });
  const ledger = testLedger();
  let acts = 0;
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const act = async () => {
    acts += 1;
    await released;
    return null;
  };
  const worker = await startWorker({
    class: me.class,
    operations: { 'memory.get': { resource: me.ops['memory.get']!, act } },
    signer: ada.workers.memory,
    views: testViews([ada, bob]),
    ledger,
    random: seededRandom('worker'),
    clock: ada.clock,
  });
  const [last, ...first] = await uses(ada, maxUsesUnderWayPerOwner + 1);
  const slow = first.map((text) => worker.use(text, call));
  await expect(worker.use(last!, call)).rejects.toMatchObject({ code: 'worker.busy' });
  const other = worker.use((await uses(bob, 1))[0]!, call);
  while (acts <= first.length) await new Promise((resolve) => setTimeout(resolve, 1));
  // What was refused had no intent.
  expect(ledger.calls).toEqual(Array(first.length + 1).fill('intend'));
  release();
  await Promise.all([...slow, other]);
  // And the room that was given back is there again.
  await worker.use(last!, call);
  await worker.close();
});
