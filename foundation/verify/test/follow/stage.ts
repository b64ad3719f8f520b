import type { ErrorCode } from '@caponier/protocol';
import { makeOwner, type TestOwner, TestRegistry, testMemory } from '@caponier/testkit';
import {
  type FollowerOptions,
  type FollowMemory,
  type LogAnchor,
  LogFollower,
  type ViewMode,
} from '../../src/index.ts';

/** A registry with one owner's chain in it, and followers of it. */

export const registryOf = (owner: TestOwner): TestRegistry =>
  new TestRegistry({
    origin: `${owner.logOrigin}/owners`,
    registry: owner.registry,
    witnesses: [{ name: owner.witnessName, signer: owner.witness }],
    clock: owner.clock,
  });

export const anchorOf = (owner: TestOwner): LogAnchor => ({
  origin: owner.logOrigin,
  key: owner.registry.did,
  witnesses: [{ name: owner.witnessName, key: owner.witness.did }],
  k: 1,
});

export interface Stage {
  readonly owner: TestOwner;
  readonly registry: TestRegistry;
  readonly memory: FollowMemory;
  readonly follower: LogFollower;
  readonly alarms: { code: ErrorCode; facts: readonly string[] }[];
}

const running = new Set<LogFollower>();
export function closeAll(): void {
  for (const follower of running) follower.close();
  running.clear();
}

/** Starts a follower; the pauses between its attempts are a millisecond, silence is an hour. */
export async function follow(
  owner: TestOwner,
  registry: FollowerOptions['registry'],
  change: Partial<FollowerOptions> & { mode?: ViewMode } = {},
): Promise<Omit<Stage, 'owner' | 'registry'>> {
  const alarms: Stage['alarms'] = [];
  const memory = change.memory ?? testMemory();
  const follower = await LogFollower.open({
    registry,
    memory,
    anchor: anchorOf(owner),
    mode: 'full',
    clock: owner.clock,
    wait: (ms, signal) => sleep(ms >= 5_000 ? 3_600_000 : 1, signal),
    alarm: (code, facts) => alarms.push({ code, facts }),
    ...change,
  });
  running.add(follower);
  void follower.run();
  return { follower, memory, alarms };
}

export async function stage(change: Parameters<typeof follow>[2] = {}): Promise<Stage> {
  const owner = await makeOwner();
  const registry = registryOf(owner);
  await registry.publish(owner.chain.wire());
  const rest = await follow(owner, registry, change);
  await until(() => rest.follower.status.size === owner.chain.signed.length);
  return { owner, registry, ...rest };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Waits for something that comes about by itself; a test that waits in vain fails after half a minute. */
export async function until(holds: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!holds()) {
    if (Date.now() > end) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
