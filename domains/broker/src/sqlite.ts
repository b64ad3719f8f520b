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

/** What the broker must not forget. */
export interface BrokerStore {
  readonly ledger: DecisionLedger;
  readonly log: EventLog;
  close(): Promise<void>;
}

/** The broker's store in one SQLite file. Throws what `openDatabase` throws. */
export async function openBrokerStore(path: string): Promise<BrokerStore> {
  const db = await openDatabase<typeof operations>({
    path,
    migrations: [eventLogTables, replayCacheTables, decisionLedgerTables],
    operations: new URL('./operations.ts', import.meta.url),
  });
  return { ledger: createDecisionLedger(db), log: createEventLog(db), close: () => db.close() };
}
