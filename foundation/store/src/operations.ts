/**
 * What modules of operations are made of. They run in storage threads, one for each database of each service: nothing is
 * loaded there that is not needed there.
 */
export {
  budgetReserved,
  budgetsSpent,
  decisionLedgerTables,
  decisionStanding,
  keepPolicy,
  keptPolicy,
  keptStatements,
  ownerOfEvent,
  refuseDecision,
  reportOutcome,
  requestRecord,
  takeDecision,
} from './sqlite/decision-ledger.ts';
export {
  appendEvent,
  checkEvents,
  eventHead,
  eventLogTables,
  publishedEvents,
  readEvents,
  redactEvent,
  unpublishedEvents,
} from './sqlite/event-log.ts';
export type { Migrations } from './sqlite/migrations.ts';
export { replayCacheTables, takeNonce } from './sqlite/replay-cache.ts';
export { int, type Row, type Sql, type SqlValue } from './sqlite/sql.ts';
export { finishUse, intendUse, openIntents, useCounts, workerLedgerTables } from './sqlite/worker-ledger.ts';
