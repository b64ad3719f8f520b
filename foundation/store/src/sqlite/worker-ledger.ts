import type { Did } from '@caponier/protocol';
import { fail } from '@caponier/protocol/errors';
import * as limits from '@caponier/protocol/limits';
import type { EventPlace, NewEvent } from '../ports/event-log.ts';
import {
  type CountKey,
  type Intent,
  MAX_OPEN_INTENTS,
  type OpenIntent,
  type Period,
  type WorkerLedger,
} from '../ports/worker-ledger.ts';
import { takeCounter } from './counter-window.ts';
import type { Database } from './database.ts';
import { appendEvent } from './event-log.ts';
import type { Migrations } from './migrations.ts';
import { int, type Sql } from './sql.ts';

export const workerLedgerTables: Migrations = {
  name: 'worker-ledger',
  steps: [
    `CREATE TABLE use_counts (
       owner TEXT NOT NULL, agent TEXT NOT NULL, op TEXT NOT NULL, resource TEXT NOT NULL, per TEXT NOT NULL,
       period INTEGER NOT NULL, uses INTEGER NOT NULL,
       PRIMARY KEY (owner, agent, op, resource, per)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE use_counters (
       request TEXT PRIMARY KEY, highest INTEGER NOT NULL, seen BLOB NOT NULL, keep_until INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX use_counters_old ON use_counters (keep_until);
     CREATE TABLE permit_uses (
       permit TEXT PRIMARY KEY, uses INTEGER NOT NULL, keep_until INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX permit_uses_old ON permit_uses (keep_until);
     CREATE TABLE open_intents (
       use TEXT PRIMARY KEY, request TEXT NOT NULL, permit TEXT NOT NULL, owner TEXT NOT NULL,
       service TEXT NOT NULL, event INTEGER NOT NULL, at INTEGER NOT NULL
     ) STRICT, WITHOUT ROWID;`,
  ],
};

/** Rows past their time that one intent clears away: more than it adds, so that they never pile up. */
const CLEARED_AT_ONCE = 8;

const HOUR = 3_600_000;
const periodsAt = (now: number): Record<Period, number> => ({
  hour: Math.floor(now / HOUR),
  day: Math.floor(now / (24 * HOUR)),
  total: 0,
});

function countOf(sql: Sql, key: CountKey, per: Period, period: number): { period: number; uses: number } {
  const row = sql.get<{ period: bigint; uses: bigint }>(
    'SELECT period, uses FROM use_counts WHERE owner = ? AND agent = ? AND op = ? AND resource = ? AND per = ?',
    key.owner,
    key.agent,
    key.op,
    key.resource,
    per,
  );
  // A later period than now means that the clock was set back: going on in it gives nothing away.
  return row && int(row.period) >= period ? { period: int(row.period), uses: int(row.uses) } : { period, uses: 0 };
}

export function useCounts(sql: Sql, args: CountKey & { now: number }): Record<Period, number> {
  const periods = periodsAt(args.now);
  const uses = (per: Period) => countOf(sql, args, per, periods[per]).uses;
  return { hour: uses('hour'), day: uses('day'), total: uses('total') };
}

function takeCounts(sql: Sql, { count, ceilings, now }: Intent): void {
  const periods = periodsAt(now);
  for (const per of ['hour', 'day', 'total'] as const) {
    const { period, uses } = countOf(sql, count, per, periods[per]);
    if (ceilings.some((ceiling) => ceiling.per === per && uses >= ceiling.uses)) {
      throw fail('grant.ceiling_reached', `${uses} uses per ${per}`);
    }
    sql.run(
      `INSERT INTO use_counts VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET period = excluded.period, uses = excluded.uses`,
      count.owner,
      count.agent,
      count.op,
      count.resource,
      per,
      period,
      uses + 1,
    );
  }
}

function takeUseCounter(sql: Sql, { request, counter }: Intent, keepUntil: number): void {
  const row = sql.get<{ highest: bigint; seen: Uint8Array }>(
    'SELECT highest, seen FROM use_counters WHERE request = ?',
    request,
  );
  const window = takeCounter(row && { highest: int(row.highest), seen: row.seen }, counter);
  if (!window) throw fail('use.replayed', `counter ${counter}`);
  sql.run(
    `INSERT INTO use_counters VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET highest = excluded.highest, seen = excluded.seen, keep_until = max(keep_until, excluded.keep_until)`,
    request,
    window.highest,
    window.seen,
    keepUntil,
  );
}

function takePermitUse(sql: Sql, { permit, uses }: Intent, keepUntil: number): void {
  const row = sql.get<{ uses: bigint }>(
    `INSERT INTO permit_uses VALUES (?, 1, ?)
     ON CONFLICT DO UPDATE SET uses = uses + 1, keep_until = max(keep_until, excluded.keep_until) RETURNING uses`,
    permit,
    keepUntil,
  );
  if (!row || int(row.uses) > uses) throw fail('permit.used_up');
}

function clearOld(sql: Sql, now: number): void {
  const old = (table: string, key: string) =>
    `DELETE FROM ${table} WHERE ${key} IN (SELECT ${key} FROM ${table} WHERE keep_until < ? LIMIT ${CLEARED_AT_ONCE})`;
  sql.run(old('use_counters', 'request'), now);
  sql.run(old('permit_uses', 'permit'), now);
}

/** `WorkerLedger.intend`, inside an operation: for a worker whose own rows belong to the same transaction. */
export function intendUse(sql: Sql, intent: Intent): EventPlace {
  const keepUntil = (intent.exp + limits.clockSkewSeconds) * 1000;
  clearOld(sql, intent.now);
  takeCounts(sql, intent);
  takeUseCounter(sql, intent, keepUntil);
  takePermitUse(sql, intent, keepUntil);
  const event = appendEvent(sql, intent.event);
  const { changes } = sql.run(
    'INSERT INTO open_intents VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    intent.use,
    intent.request,
    intent.permit,
    intent.count.owner,
    intent.event.service,
    event.index,
    intent.now,
  );
  if (changes === 0) throw fail('use.replayed', 'the same use is open');
  return event;
}

/** `WorkerLedger.finish`, inside an operation. */
export function finishUse(sql: Sql, args: { readonly use: string; readonly event: NewEvent }): EventPlace {
  if (sql.run('DELETE FROM open_intents WHERE use = ?', args.use).changes === 0) {
    throw fail('worker.outcome_unknown', 'no such intent is open');
  }
  return appendEvent(sql, args.event);
}

export function openIntents(sql: Sql): OpenIntent[] {
  return sql
    .all<{ use: string; request: string; permit: string; owner: string; service: string; event: bigint; at: bigint }>(
      'SELECT * FROM open_intents ORDER BY event LIMIT ?',
      MAX_OPEN_INTENTS,
    )
    .map((row) => ({ ...row, service: row.service as Did, event: int(row.event), at: int(row.at) }));
}

/** What a database's operations module must export for `createWorkerLedger`. */
export interface WorkerLedgerOperations {
  useCounts: typeof useCounts;
  intendUse: typeof intendUse;
  finishUse: typeof finishUse;
  openIntents: typeof openIntents;
}

export function createWorkerLedger<Ops extends WorkerLedgerOperations>(database: Database<Ops>): WorkerLedger {
  const db = database as unknown as Database<WorkerLedgerOperations>;
  return {
    counts: (query) => db.read('useCounts', query),
    intend: (intent) => db.run('intendUse', intent),
    finish: (args) => db.run('finishUse', args),
    openIntents: () => db.read('openIntents'),
  };
}
