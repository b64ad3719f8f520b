import { median } from '../measure.ts';

/** Resident bytes of this process once what nobody holds is gone: the median of some looks. Needs `--expose-gc`. */
export async function residentBytes(): Promise<number> {
  const looks: number[] = [];
  for (let look = 0; look < 5; look++) {
    (globalThis as { gc?: () => void }).gc!();
    await new Promise((resolve) => setTimeout(resolve, 200));
    looks.push(process.memoryUsage.rss());
  }
  return median(looks);
}
