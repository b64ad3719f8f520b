import { type Database, eventLogTables, openDatabase, workerLedgerTables } from '@caponier/store';
import type * as operations from './operations.ts';
import { secretTables } from './secrets.ts';

export type VaultDatabase = Database<typeof operations>;

/** Opens (or makes) the vault's file: secrets, ledger and events share it, so that they share transactions. */
export function openVault(path: string): Promise<VaultDatabase> {
  return openDatabase<typeof operations>({
    path,
    migrations: [eventLogTables, workerLedgerTables, secretTables],
    operations: new URL('./operations.ts', import.meta.url),
  });
}
