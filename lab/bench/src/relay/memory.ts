import { median } from '../measure.ts';

interface Collected {
  readonly type: 'major';
  readonly execution: 'sync';
  readonly flavor: 'last-resort';
}

/** Resident bytes of a process at rest. */
export interface Resident {
  /** After some seconds and ordinary collections: with the room that was needed on the way and is kept for later. */
  readonly kept: number;
  /** What is left once that room is given back, too. */
  readonly least: number;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The median of some looks, for each. Needs `--expose-gc`. */
export async function residentBytes(): Promise<Resident> {
  const { gc } = globalThis as unknown as { gc: (how?: Collected) => void };
  const looks = async (collect: () => void, apart: number) => {
    const seen: number[] = [];
    for (let look = 0; look < 5; look++) {
      collect();
      await pause(apart);
      seen.push(process.memoryUsage.rss());
    }
    return median(seen);
  };
  const kept = await looks(() => gc(), 1_000);
  const least = await looks(() => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }), 200);
  return { kept, least };
}
