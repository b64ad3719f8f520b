import { readFileSync } from 'node:fs';
import { type Payload, sign, verifyStatement } from '@caponier/protocol';
import {
  makeAgent,
  makeLife,
  makeOwner,
  seededRandom,
  type TestOwner,
  testGrant,
  testLedger,
  testViews,
} from '@caponier/testkit';
import { expect, test } from 'vitest';
import { checkUse, type DatedView, performUse, type Views } from '../../src/index.ts';
import { makeBench, textOf } from './bench.ts';

/** What happens between the checks of a use and its intent: the worker obeys it. */

interface Late {
  readonly name: string;
  readonly code: string;
  /** What the worker learns of either owner after the checks. */
  readonly learn: (owner: TestOwner, home: TestOwner) => Promise<Record<string, Partial<DatedView>>>;
}

async function frozen(owner: TestOwner, change: Pick<Payload<'freeze'>, 'what' | 'target'>) {
  const iat = owner.clock.seconds();
  const jws = await sign(owner.phone.signer, 'freeze', { aud: owner.id, ...change, iat, nonce: 'A'.repeat(22) });
  return { [owner.id]: { view: owner.view.withFreeze(verifyStatement(jws, 'freeze')) } };
}

const lates: readonly Late[] = [
  {
    name: 'a view that grew old after the checks',
    code: 'owner.stale_view',
    learn: async (owner) => ({ [owner.id]: { asOf: owner.clock.seconds() - 31 } }),
  },
  {
    name: 'a log that was rolled back after the checks',
    code: 'log.rolled_back',
    learn: async (_owner, home) => ({ [home.id]: { trouble: 'log.rolled_back' } }),
  },
  {
    name: 'a grant that was revoked after the checks',
    code: 'owner.revoked',
    learn: async (owner) => {
      await owner.chain.add('revoke', { what: 'grant', target: owner.view.grants().at(-1)!.id });
      return {};
    },
  },
  {
    name: 'a device that was revoked after the checks',
    code: 'owner.revoked',
    learn: async (_owner, home) => {
      await home.chain.add('revoke', { what: 'device', target: home.box.did });
      return {};
    },
  },
  {
    name: 'an owner that was frozen after the checks',
    code: 'owner.frozen',
    learn: (owner) => frozen(owner, { what: 'all', target: null }),
  },
  {
    name: 'a home of the asker that was frozen after the checks',
    code: 'owner.frozen',
    learn: (_owner, home) => frozen(home, { what: 'agent', target: 'claude@box' }),
  },
];

/** A use that passed all checks, of one owner's data by the agent of another; and the doing of it. */
async function checked() {
  const owner = await makeOwner('ada');
  const home = await makeOwner('bob', { clock: owner.clock });
  const to = { owner: home.id, agents: ['claude@box'], devices: [] };
  const grant = (await owner.chain.add('grant', testGrant({ to, decides: 'broker' }))).statement.id;
  const life = await makeLife(owner, { request: { asker: await makeAgent(home), change: { grant } } });
  const ledger = testLedger();
  const { me, call } = await makeBench({ owner });
  const known = testViews([owner, home]);
  const learned: Record<string, Partial<DatedView>> = {};
  const views: Views = { get: (id) => ({ ...known.get(id), ...learned[id] }) };
  const use = await checkUse(textOf(life), call, { me, views, ledger, clock: owner.clock });
  const ports = { ledger, views, signer: owner.workers.memory, random: seededRandom('worker'), clock: owner.clock };
  let done = 0;
  const perform = () =>
    performUse(use, ports, async () => {
      done += 1;
      return null;
    });
  return { owner, home, learned, ledger, perform, done: () => done };
}

test.each(lates)('refused before the intent: $name', async ({ code, learn }) => {
  const { owner, home, learned, ledger, perform, done } = await checked();
  Object.assign(learned, await learn(owner, home));
  await expect(perform()).rejects.toMatchObject({ code });
  expect([ledger.calls, done()]).toEqual([[], 0]);
});

test('what still stands is done', async () => {
  const { ledger, perform, done } = await checked();
  await perform();
  expect([ledger.calls, done()]).toEqual([['intend', 'finish'], 1]);
});

test('docs/checks.md lists them, with their codes', () => {
  const text = readFileSync(new URL('../../../../docs/checks.md', import.meta.url), 'utf8');
  const row = text.split('\n').find((line) => line.includes('| `standing` |'))!;
  for (const { name, code } of lates) {
    expect(row).toContain(name);
    expect(row).toContain(`\`${code}\``);
  }
});
