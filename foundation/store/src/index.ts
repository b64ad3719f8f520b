export { createInProcessBus } from './bus/in-process.ts';
export { DecisionDesk, type DecisionSteps, type KnownAsker } from './decisions/desk.ts';
export { GROUP_SUBMISSIONS, MAX_DECIDING, MAX_DECIDING_PER_OWNER, SUBMISSIONS } from './decisions/limits.ts';
export { DecisionRecord, type DecisionRecordOptions, MAX_BEHIND_MS, type MadeDecision } from './decisions/record.ts';
export { REFUSALS_MS } from './decisions/refusals.ts';
export {
  type Bus,
  type BusSubscription,
  type DropReason,
  MAX_BUS_BYTES,
  MAX_BUS_MESSAGE,
  MAX_BUS_MESSAGES,
  type SubscribeOptions,
} from './ports/bus.ts';
export {
  type BudgetAccount,
  type Decided,
  type Decision,
  type DecisionLedger,
  IDEMPOTENCY_MS,
  MAX_DECISIONS_READ,
  type Report,
  type RequestRecord,
  type Standing,
  type Submission,
} from './ports/decision-ledger.ts';
export {
  EVENT_SALT_BYTES,
  type EventLog,
  type EventPlace,
  MAX_EVENT_BODY,
  MAX_EVENTS_READ,
  type NewEvent,
  type StoredEvent,
} from './ports/event-log.ts';
export {
  type HeadStore,
  MAX_LEAVES,
  MAX_REMOVALS,
  type StandingRemoval,
  type StoredHead,
  type StoredLeaf,
} from './ports/head-store.ts';
export { MAX_NONCES, MAX_NONCES_PER_SCOPE, type ReplayCache } from './ports/replay-cache.ts';
export {
  type CountKey,
  type Intent,
  MAX_OPEN_INTENTS,
  type OpenIntent,
  type Period,
  type WorkerLedger,
} from './ports/worker-ledger.ts';
export {
  createEventPublisher,
  type EventPublisher,
  type EventSink,
  type PublisherOptions,
  RETRY_MS,
} from './publisher.ts';
export {
  type Database,
  type DatabaseOptions,
  MAX_DATABASE_BYTES,
  MAX_WAITING,
  MAX_WAITING_BYTES,
  openDatabase,
} from './sqlite/database.ts';
export {
  budgetReserved,
  budgetsSpent,
  createDecisionLedger,
  type DecisionLedgerOperations,
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
export { type Failure, failureOf } from './sqlite/errors.ts';
export {
  appendEvent,
  checkEvents,
  createEventLog,
  type EventLogOperations,
  eventHead,
  eventLogTables,
  publishedEvents,
  readEvents,
  redactEvent,
  unpublishedEvents,
} from './sqlite/event-log.ts';
export {
  advanceLog,
  createHeadStore,
  fillLeaf,
  type HeadStoreOperations,
  headStoreTables,
  logHead,
  logLeaves,
  settleRemoval,
  standingRemovals,
  standRemoval,
} from './sqlite/head-store.ts';
export { MAX_BATCH } from './sqlite/lane.ts';
export type { Migrations } from './sqlite/migrations.ts';
export { createReplayCache, type ReplayCacheOperations, replayCacheTables, takeNonce } from './sqlite/replay-cache.ts';
export { int, type Row, type Sql, type SqlValue } from './sqlite/sql.ts';
export {
  createWorkerLedger,
  finishUse,
  intendUse,
  openIntents,
  useCounts,
  type WorkerLedgerOperations,
  workerLedgerTables,
} from './sqlite/worker-ledger.ts';
