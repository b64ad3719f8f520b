import { median } from '../measure.ts';

interface Collected {
  readonly type: 'major';
  readonly execution: 'sync';
  readonly flavor: 'last-resort';
}

/**
 * Resident bytes of this process once what nobody holds is gone, and the room for it given back: the median of some
 * looks. Needs `--expose-gc`.
 */
export async function residentBytes(): Promise<number> {
  const { gc } = globalThis as unknown as { gc: (how: Collected) => void };
  const looks: number[] = [];
  for (let look = 0; look < 5; look++) {
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    looks.push(process.memoryUsage.rss());
  }
  return median(looks);
}
