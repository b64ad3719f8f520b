import {
  createDecisionLedger,
  createEventLog,
  type DecisionLedger,
  decisionLedgerTables,
  type EventLog,
  eventLogTables,
  openDatabase,
  replayCacheTables,
} from '@caponier/store';
import type * as operations from './operations.ts';

/** What the gate must not forget. */
export interface GateStore {
  readonly ledger: DecisionLedger;
  readonly log: EventLog;
  close(): Promise<void>;
}

/** The gate's store in one SQLite file. Throws what `openDatabase` throws. */
export async function openGateStore(path: string): Promise<GateStore> {
  const db = await openDatabase<typeof operations>({
    path,
    migrations: [eventLogTables, replayCacheTables, decisionLedgerTables],
    operations: new URL('./operations.ts', import.meta.url),
  });
  return { ledger: createDecisionLedger(db), log: createEventLog(db), close: () => db.close() };
}
