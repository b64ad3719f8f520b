import { median } from '../measure.ts';

interface Collected {
  readonly type: 'major';
  readonly execution: 'sync';
  readonly flavor: 'last-resort';
}

/** What a process is asked: how much of it is resident as it stands, or at the least. */
export type ResidentQuestion = { readonly resident: 'now' | 'least' };

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Resident bytes of this process. `now`: as an operator sees them, nothing is done. `least`: after collections of last
 * resort, which give all spare room back; the median of some. Needs `--expose-gc`.
 */
export async function residentBytes(which: ResidentQuestion['resident']): Promise<number> {
  if (which === 'now') return process.memoryUsage.rss();
  const { gc } = globalThis as unknown as { gc: (how: Collected) => void };
  const seen: number[] = [];
  for (let look = 0; look < 5; look++) {
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await pause(200);
    seen.push(process.memoryUsage.rss());
  }
  return median(seen);
}
