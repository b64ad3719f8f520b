import { toBase64url } from '@caponier/crypto';
import type { Plan } from './log/sequencer.ts';
import type { RegistryStore } from './store.ts';

/** Leaves of one service: salted event hashes. The answer is the index of each. */
export type EventsJob = readonly Uint8Array[];

/** A hash that stands already keeps its index, so that a service whose answer was lost may send again. */
export function eventsPlanner(
  store: RegistryStore,
): (jobs: readonly EventsJob[], size: number) => Promise<Plan<number[]>> {
  return async (jobs, size) => {
    const entries: Uint8Array[] = [];
    const indices = new Map<string, number>();
    const answers: Plan<number[]>['answers'][number][] = [];
    for (const job of jobs) {
      const standing = await store.indicesOf({ log: 'events', entries: job });
      const result = job.map((leaf, i) => {
        const name = toBase64url(leaf);
        const index = standing[i] ?? indices.get(name);
        if (index !== undefined && index !== null) return index;
        indices.set(name, size + entries.length);
        entries.push(leaf);
        return size + entries.length - 1;
      });
      answers.push({ result, size: Math.max(...result) + 1 });
    }
    return { answers, adds: { entries, statements: [], readers: [], approvers: [], thawed: [] }, committed: () => {} };
  };
}
