import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createWorkerLedger, eventLogTables, openDatabase, workerLedgerTables } from '@caponier/store';
import {
  type LedgerTake,
  makeLife,
  makeOwner,
  makeUse,
  seededRandom,
  type TestLife,
  type TestOwner,
  testGrant,
  testLedger,
  testViews,
} from '@caponier/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkUse, performUse, type WorkerLedger } from '../../src/index.ts';
import { makeBench, textOf } from './bench.ts';

/** What the one transaction takes, on the ledger in memory and on the one that ships. */

const folder = mkdtempSync(join(tmpdir(), 'caponier-ledger-'));
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  rmSync(folder, { recursive: true });
});

let shipped: WorkerLedger;
beforeAll(async () => {
  const database = await openDatabase<typeof import('./ledger-operations.ts')>({
    path: join(folder, 'worker.db'),
    migrations: [eventLogTables, workerLedgerTables],
    operations: new URL('./ledger-operations.ts', import.meta.url),
  });
  closing.push(() => database.close());
  shipped = createWorkerLedger(database);
});

let seeds = 0;
/** Another owner each time: the shipped ledger is one for all tests. */
const anotherOwner = () => {
  seeds += 1;
  return makeOwner(`owner ${seeds}`);
};

async function present(owner: TestOwner, life: TestLife, ledger: WorkerLedger) {
  const bench = await makeBench({ owner, ledger });
  // The counts that are read early are left out, so that only the transaction stands.
  const blind = { counts: async () => ({ hour: 0, day: 0, total: 0 }) };
  const views = testViews([owner]);
  const use = await checkUse(textOf(life), bench.call, {
    me: bench.me,
    views,
    ledger: blind,
    clock: owner.clock,
  });
  const ports = { ledger, views, signer: owner.workers.memory, random: seededRandom('worker'), clock: owner.clock };
  return performUse(use, ports, async () => null);
}

interface LedgerAttack {
  readonly take: LedgerTake;
  readonly name: string;
  readonly code: string;
  /** What is used in good order, and then what must not be. */
  readonly make: (owner: TestOwner) => Promise<readonly [...TestLife[], TestLife]>;
}

const again = async (owner: TestOwner, life: TestLife, counter: number): Promise<TestLife> => ({
  ...life,
  use: await makeUse(owner, life.request, life.permit, { change: { counter } }),
});
const manyUses = { request: { change: { uses: 10 } } };

const attacks: readonly LedgerAttack[] = [
  {
    take: 'ceilings',
    name: 'a second use where the ceiling is one, under a new permit',
    code: 'grant.ceiling_reached',
    make: async (owner) => {
      const { statement } = await owner.chain.add(
        'grant',
        testGrant({ decides: 'broker', ceilings: [{ per: 'day', uses: 1 }] }),
      );
      const options = { request: { change: { grant: statement.id } } };
      return [await makeLife(owner, options), await makeLife(owner, options)];
    },
  },
  {
    take: 'ceilings',
    name: 'a second use where the ceiling is one, under a grant that replaced the first',
    code: 'grant.ceiling_reached',
    make: async (owner) => {
      const give = () =>
        owner.chain.add('grant', testGrant({ decides: 'broker', ceilings: [{ per: 'total', uses: 1 }] }));
      const under = (grant: string) => makeLife(owner, { request: { change: { grant } } });
      const [first, second] = [(await give()).statement.id, (await give()).statement.id];
      return [await under(first), await under(second)];
    },
  },
  {
    take: 'counter',
    name: 'the same use twice',
    code: 'use.replayed',
    make: async (owner) => {
      const life = await makeLife(owner, manyUses);
      return [life, life];
    },
  },
  {
    take: 'counter',
    name: 'a use whose counter was seen',
    code: 'use.replayed',
    make: async (owner) => {
      const life = await makeLife(owner, manyUses);
      return [await again(owner, life, 5), await again(owner, life, 4), await again(owner, life, 5)];
    },
  },
  {
    take: 'counter',
    name: 'a use whose counter fell out of the window',
    code: 'use.replayed',
    make: async (owner) => {
      const life = await makeLife(owner, manyUses);
      return [await again(owner, life, 1024), await again(owner, life, 0)];
    },
  },
  {
    take: 'uses',
    name: 'a second use of a permit for one',
    code: 'permit.used_up',
    make: async (owner) => {
      const life = await makeLife(owner);
      return [life, await again(owner, life, 1)];
    },
  },
];

test.each(attacks)('refused by the transaction ($take): $name', async ({ code, make }) => {
  for (const ledger of [testLedger(), shipped]) {
    const owner = await anotherOwner();
    const lives = await make(owner);
    for (const life of lives.slice(0, -1)) await present(owner, life, ledger);
    await expect(present(owner, lives.at(-1)!, ledger)).rejects.toMatchObject({ code });
  }
});

test.each(attacks)('only $take stands against: $name', async ({ take, make }) => {
  const owner = await makeOwner();
  const ledger = testLedger({ without: take });
  for (const life of await make(owner)) await present(owner, life, ledger);
});

test('two uses at once of a permit for one: one is done', async () => {
  const owner = await anotherOwner();
  const ledger = shipped;
  const life = await makeLife(owner);
  const lives = [life, await again(owner, life, 1), await again(owner, life, 2)];
  const ends = await Promise.allSettled(lives.map((each) => present(owner, each, ledger)));
  expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});
