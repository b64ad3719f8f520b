import { expect, test } from 'vitest';
import { openTrustFile } from '../../src/capsule/trust-file.ts';
import { judgeCapsule } from '../../src/capsule/verify.ts';
import { buildCapsule, verifyCapsule } from '../../src/index.ts';
import { type Decided, fullStory, type Scene, scene } from './material.ts';

/** Changes one byte of a capsule after another; each is refused, with the failing check named. */
async function changeBytes(set: Scene, bytes: Uint8Array, step: number): Promise<Map<string, number>> {
  const trust = set.trustFile();
  expect((await verifyCapsule(bytes, trust, { now: set.now() })).failed).toBeNull();
  const history = openTrustFile(trust);
  const failed = new Map<string, number>();
  const passed: number[] = [];
  for (let at = 0; at < bytes.length; at += step) {
    const changed = bytes.slice();
    changed[at]! ^= 1 << (at % 7);
    const { ok, failed: by } = await judgeCapsule(changed, history, set.now());
    if (ok || !by) passed.push(at);
    else failed.set(by.check, (failed.get(by.check) ?? 0) + 1);
  }
  expect(passed).toEqual([]);
  return failed;
}

test('no byte of a capsule can be changed: every one, of a use under a standing grant', async () => {
  const set = await scene();
  const decided: Decided = await set.decide({});
  const used = { ...(await set.work(decided)), worker: null };
  const bytes = await buildCapsule(set.material(decided, [used]), set.trustFile(), { now: set.now() });
  const failed = await changeBytes(set, bytes, 1);
  expect([...failed.values()].reduce((sum, n) => sum + n, 0)).toBe(bytes.length);
}, 120_000);

test('no byte of a capsule can be changed: every thirteenth, of one with policy, approval and the events of its worker', async () => {
  const { set, decided, used } = await fullStory();
  const bytes = await buildCapsule(set.material(decided, [used]), set.trustFile(), { now: set.now() });
  const failed = await changeBytes(set, bytes, 13);
  for (const check of [
    'form',
    'owner',
    'chain-logged',
    'in-force',
    'approvals',
    'decision-event',
    'uses',
    'use-events',
  ])
    expect(failed.has(check), check).toBe(true);
}, 120_000);
