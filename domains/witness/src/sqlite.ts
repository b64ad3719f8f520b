import { openDatabase } from '@caponier/store';
import * as operations from './operations.ts';
import type { WitnessStore } from './store.ts';

/** A witness's memory in one SQLite file. Throws what `openDatabase` throws. */
export async function openWitnessStore(path: string): Promise<WitnessStore> {
  const db = await openDatabase<typeof operations>({
    path,
    migrations: [operations.tables],
    operations: new URL('./operations.ts', import.meta.url),
  });
  return {
    head: (origin) => db.read('head', { origin }),
    advance: (from, head) => db.run('advance', { from: { size: from.size, root: from.root }, head }),
    close: () => db.close(),
  };
}
