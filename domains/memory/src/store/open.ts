import { type Database, eventLogTables, openDatabase, workerLedgerTables } from '@caponier/store';
import type * as operations from './operations.ts';
import { memoryTables } from './tables.ts';

export type MemoryDatabase = Database<typeof operations>;

/** Opens (or makes) the file of one instance: entries, ledger and events share it, so that they share transactions. */
export function openMemory(path: string): Promise<MemoryDatabase> {
  return openDatabase<typeof operations>({
    path,
    migrations: [eventLogTables, workerLedgerTables, memoryTables],
    operations: new URL('./operations.ts', import.meta.url),
  });
}
