import { type Database, eventLogTables, openDatabase, workerLedgerTables } from '@caponier/store';
import type * as operations from './operations.ts';

export type ClassifyDatabase = Database<typeof operations>;

/** Opens (or makes) the file of the worker's ledger and events. */
export function openClassify(path: string): Promise<ClassifyDatabase> {
  return openDatabase<typeof operations>({
    path,
    migrations: [eventLogTables, workerLedgerTables],
    operations: new URL('./operations.ts', import.meta.url),
  });
}
