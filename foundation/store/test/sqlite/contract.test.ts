import {
  createDecisionLedger,
  createEventLog,
  createHeadStore,
  createReplayCache,
  createWorkerLedger,
  type Database,
  decisionLedgerTables,
  eventLogTables,
  headStoreTables,
  openDatabase,
  replayCacheTables,
  workerLedgerTables,
} from '../../src/index.ts';
import { decisionLedgerContract } from '../contract/decision-ledger.ts';
import { eventLogContract } from '../contract/event-log.ts';
import { type Backend, temporaryFolder } from '../contract/harness.ts';
import { headStoreContract } from '../contract/head-store.ts';
import { replayCacheContract } from '../contract/replay-cache.ts';
import { workerLedgerContract } from '../contract/worker-ledger.ts';
import type * as operations from './contract-operations.ts';

const backend =
  <Port>(port: (db: Database<typeof operations>) => Port) =>
  async (): Promise<Backend<Port>> => {
    const folder = temporaryFolder();
    const open = () =>
      openDatabase<typeof operations>({
        path: `${folder.path}/contract.db`,
        migrations: [eventLogTables, decisionLedgerTables, workerLedgerTables, replayCacheTables, headStoreTables],
        operations: new URL('./contract-operations.ts', import.meta.url),
      });
    let db = await open();
    return {
      port: port(db),
      async reopen() {
        await db.close();
        db = await open();
        return port(db);
      },
      async close() {
        await db.close();
        folder.remove();
      },
    };
  };

eventLogContract('sqlite', backend(createEventLog));
workerLedgerContract('sqlite', backend(createWorkerLedger));
replayCacheContract('sqlite', backend(createReplayCache));
headStoreContract('sqlite', backend(createHeadStore));
decisionLedgerContract('sqlite', backend(createDecisionLedger));
