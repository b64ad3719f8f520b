import { headLine, makeOwner, type TestOwner, TestRegistry, testMemory, testSigner } from '@caponier/testkit';
import { cosignCheckpoint, logKey, openCheckpoint } from '@caponier/tlog';
import { afterEach, describe, expect, test } from 'vitest';
import { vouchedTime } from '../../src/follow/dates.ts';
import { anchorOf, closeAll, follow, until } from './stage.ts';

/** Witnesses that lie about the time. */

afterEach(closeAll);

const names = ['one.example', 'two.example', 'three.example'];
const witnesses = names.map((name) => ({ name, signer: testSigner(`witness ${name}`) }));
const keys = witnesses.map(({ name, signer }) => ({ name, key: signer.did }));
const farAhead = 100_000;

/** An owner who names three witnesses, of whom k must have signed. */
async function stage(k: number) {
  const owner = await makeOwner();
  const { operators, log, broker, gate, workers, relays } = structuredClone(owner.view.trust!);
  await owner.chain.add('trust', { operators, log, broker, gate, workers, relays, witnesses: keys, k } as never);
  const { clock, registry: signer } = owner;
  const registry = new TestRegistry({ origin: `${owner.logOrigin}/owners`, registry: signer, witnesses, clock });
  registry.append(owner.chain.wire());
  const anchor = { ...anchorOf(owner), witnesses: keys, k };
  const memory = testMemory();
  const start = () => follow(owner, registry, { anchor, memory });
  return { owner, registry, start, ...(await start()) };
}

/** Shows a head with the cosignatures of these witnesses, each so many seconds off; gives it. */
async function show(owner: TestOwner, registry: TestRegistry, offsets: readonly number[]): Promise<string> {
  const bare = await registry.log.checkpoint(undefined, []);
  const opened = openCheckpoint(bare, {
    log: logKey(`${owner.logOrigin}/owners`, owner.registry.did),
    witnesses: [],
    k: 0,
  });
  const lines = await Promise.all(
    offsets.map((offset, i) => {
      const { name, signer } = witnesses[i]!;
      return cosignCheckpoint(opened, name, signer, owner.clock.seconds() + offset);
    }),
  );
  registry.note = bare + lines.join('');
  registry.say(headLine(registry.note));
  return registry.note;
}

test('one witness of three that dates heads into the future makes no view stale, and none younger', async () => {
  const { owner, registry, follower } = await stage(2);
  const start = owner.clock.seconds();
  await until(() => registry.followers === 1);
  await show(owner, registry, [farAhead, -3, -7]);
  await until(() => follower.status.size === owner.chain.signed.length);
  const dated = follower.get(owner.id);
  expect([dated.asOf, dated.newest]).toEqual([start - 7, start - 7]);
  expect(follower.requireFresh(dated, 'permit')).toBe(7);
  owner.clock.advance(120);
  expect(follower.requireFresh(follower.get(owner.id), 'shell')).toBe(127);
  // Within the skew of two clocks it counts, as of now.
  await show(owner, registry, [15, 2, -50]);
  await until(() => follower.get(owner.id).asOf === start + 120);
  expect(follower.status.newest).toBe(start + 120);
});

test('the only witness gives nothing by a date in the future: not at once, not when it comes, not after a restart', async () => {
  const { owner, registry, follower, start } = await stage(1);
  const began = owner.clock.seconds();
  await until(() => registry.followers === 1);
  await show(owner, registry, [600]);
  await until(() => follower.status.size === owner.chain.signed.length);
  const stale = expect.objectContaining({ code: 'owner.stale_view' });
  const fresh = (of = follower) => of.requireFresh(of.get(owner.id), 'shell');
  expect(() => fresh()).toThrow(stale);
  expect(follower.status.newest).toBe(0);
  owner.clock.advance(600);
  expect(() => fresh()).toThrow(stale);
  // Within the skew it vouches for its arrival, no later.
  await show(owner, registry, [20]);
  await until(() => follower.get(owner.id).asOf === began + 600);
  owner.clock.advance(31);
  expect(() => follower.requireFresh(follower.get(owner.id), 'permit')).toThrow(stale);
  await show(owner, registry, [9_000]);
  await until(() => follower.get(owner.id).asOf === null);
  follower.close();
  registry.note = null;
  const again = (await start()).follower;
  expect(() => fresh(again)).toThrow(stale);
  expect(again.status.newest).toBe(0);
});

describe('vouchedTime', () => {
  const at = 1_000;
  const of = (...times: number[]) => times.map((time) => ({ witness: 'w', time }));
  test.each([
    [of(990, 980, 970), 1, 990],
    [of(990, 980, 970), 3, 970],
    [of(990, 980), 3, null],
    [of(1_021, 980, 970), 1, 980],
    [of(1_020, 980, 970), 1, 1_000],
    [of(5_000, 1_021, 970), 2, null],
    [of(1_021), 1, null],
  ])('%j, k = %i: %s', (cosigned, k, time) => expect(vouchedTime(cosigned, k, at)).toBe(time));
});
