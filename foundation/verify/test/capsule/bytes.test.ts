import { expect, test } from 'vitest';
import { buildCapsule, verifyCapsule } from '../../src/index.ts';
import { fullStory } from './material.ts';

/** Every byte of a real capsule, changed: refused, with the failing check named. */
test('no byte of a capsule can be changed', async () => {
  const { set, decided, used } = await fullStory();
  const trust = set.trustFile();
  const bytes = await buildCapsule(set.material(decided, [used]), trust, { now: set.now() });
  expect((await verifyCapsule(bytes, trust, { now: set.now() })).ok).toBe(true);
  const passed: number[] = [];
  const failed = new Map<string, number>();
  for (let at = 0; at < bytes.length; at++) {
    const flipped = bytes.slice();
    flipped[at]! ^= 1 << (at % 7);
    const { ok, failed: by } = await verifyCapsule(flipped, trust, { now: set.now() });
    if (ok) passed.push(at);
    else failed.set(by!.check, (failed.get(by!.check) ?? 0) + 1);
  }
  expect(passed).toEqual([]);
  expect([...failed.values()].reduce((sum, n) => sum + n, 0)).toBe(bytes.length);
  console.info(
    `${bytes.length} bytes changed, refused by ${[...failed].map(([check, n]) => `${check} ${n}`).join(', ')}`,
  );
});
