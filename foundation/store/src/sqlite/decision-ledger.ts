import { fail } from '@caponier/protocol/errors';
import {
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
} from '../ports/decision-ledger.ts';
import type { EventPlace, NewEvent } from '../ports/event-log.ts';
import type { Database } from './database.ts';
import { appendEvent } from './event-log.ts';
import type { Migrations } from './migrations.ts';
import { takeNonce } from './replay-cache.ts';
import { int, type Sql } from './sql.ts';

/** Stands beside `eventLogTables` and `replayCacheTables`. */
export const decisionLedgerTables: Migrations = {
  name: 'decision-ledger',
  steps: [
    `CREATE TABLE decision_keys (
       owner TEXT NOT NULL, subject TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL, approvals TEXT NOT NULL,
       decision TEXT NOT NULL, event INTEGER NOT NULL, keep_until INTEGER NOT NULL,
       PRIMARY KEY (owner, subject, key)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX decision_keys_old ON decision_keys (keep_until);
     CREATE TABLE decisions (
       event INTEGER PRIMARY KEY, owner TEXT NOT NULL, request TEXT NOT NULL, decision TEXT NOT NULL, permit TEXT NOT NULL
     ) STRICT;
     CREATE INDEX decisions_of ON decisions (request, event);
     CREATE TABLE decision_statements (id TEXT PRIMARY KEY, jws TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE event_owners (event INTEGER PRIMARY KEY, owner TEXT NOT NULL) STRICT;
     CREATE TABLE budget_spent (
       owner TEXT NOT NULL, budget TEXT NOT NULL, currency TEXT NOT NULL, scope TEXT NOT NULL, period INTEGER NOT NULL,
       units INTEGER NOT NULL CHECK (units >= 0),
       PRIMARY KEY (owner, budget, currency, scope, period)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE budget_reserved (
       request TEXT PRIMARY KEY, owner TEXT NOT NULL, budget TEXT NOT NULL, currency TEXT NOT NULL, scope TEXT NOT NULL,
       period INTEGER NOT NULL, units INTEGER NOT NULL, state TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE outcomes (
       event INTEGER PRIMARY KEY, request TEXT NOT NULL, outcome TEXT NOT NULL, result TEXT NOT NULL, returned INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX outcomes_of ON outcomes (request, event);
     CREATE TABLE policies (policy TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  ],
};

/** Keys past their time that one decision clears away: more than it adds. */
const CLEARED_AT_ONCE = 8;

interface DecidedRow {
  event: bigint;
  permit: string;
}

const decided = ({ event, permit }: DecidedRow): Decided => ({ event: int(event), permit });

export function decisionStanding(sql: Sql, { owner, subject, key, ...asked }: Submission): Standing {
  const row = sql.get<DecidedRow & { request: string; approvals: string; decision: string }>(
    `SELECT k.request, k.approvals, k.decision, d.event, d.permit FROM decision_keys k JOIN decisions d ON d.event = k.event
     WHERE k.owner = ? AND k.subject = ? AND k.key = ?`,
    owner,
    subject,
    key,
  );
  if (row && row.request !== asked.request) throw fail('gate.idempotency_conflict');
  const again = row && (row.decision !== 'ask' || row.approvals === asked.approvals);
  return { answer: again ? decided(row) : null, request: requestStanding(sql, { owner, ...asked }) };
}

type NonceOwner = Pick<Submission, 'owner' | 'group' | 'kid' | 'nonce'>;

/**
 * The nonce of a request, counted for who stands behind it: keys of a run cost a signature each, and counted by key anybody
 * could fill what all have together.
 */
function nonceOf({ owner, group, kid, nonce }: NonceOwner): { readonly scope: string; readonly nonce: string } {
  return { scope: `${owner} ${group}`, nonce: `${kid} ${nonce}` };
}

function requestStanding(sql: Sql, asked: NonceOwner & Pick<Submission, 'request'>): Standing['request'] {
  const last = sql.get<{ decision: string }>(
    'SELECT decision FROM decisions WHERE request = ? ORDER BY event DESC LIMIT 1',
    asked.request,
  );
  if (last) return last.decision === 'ask' ? 'asked' : 'decided';
  // The same request under another id: signatures of P-256 are malleable.
  const { scope, nonce } = nonceOf(asked);
  const taken = sql.get('SELECT 1 FROM nonces WHERE scope = ? AND nonce = ?', scope, nonce);
  return taken ? 'decided' : 'new';
}

const accountValues = ({ owner, budget, currency, scope, period }: BudgetAccount) =>
  [owner, budget, currency, scope, period] as const;

const ofAccount = 'owner = ? AND budget = ? AND currency = ? AND scope = ? AND period = ?';

export function budgetsSpent(sql: Sql, args: { accounts: readonly BudgetAccount[] }): number[] {
  return args.accounts.map((account) => {
    const text = `SELECT units FROM budget_spent WHERE ${ofAccount}`;
    const row = sql.get<{ units: bigint }>(text, ...accountValues(account));
    return row ? int(row.units) : 0;
  });
}

export function takeDecision(sql: Sql, decision: Decision): Decided | 'stale' {
  const { owner, request, now } = decision;
  const standing = decisionStanding(sql, decision);
  if (standing.answer) return standing.answer;
  if (standing.request === 'decided') throw fail('request.replayed');
  if (decision.decision === 'ask' && askedTooOften(sql, request)) throw fail('request.replayed', 'asked too often');
  const spent = budgetsSpent(sql, { accounts: decision.assumed.map(({ account }) => account) });
  if (decision.assumed.some(({ units }, i) => units !== spent[i])) return 'stale';
  if (standing.request === 'new') {
    const { exp } = decision;
    if (!takeNonce(sql, { ...nonceOf(decision), exp, now })) throw fail('request.replayed');
  }
  reserve(sql, request, decision.reserve);
  const { index: event } = appendEvent(sql, decision.event);
  sql.run('INSERT INTO event_owners VALUES (?, ?)', event, owner);
  sql.run('INSERT INTO decisions VALUES (?, ?, ?, ?, ?)', event, owner, request, decision.decision, decision.permit);
  for (const { id, jws } of decision.statements) {
    sql.run('INSERT INTO decision_statements VALUES (?, ?) ON CONFLICT DO NOTHING', id, jws);
  }
  rememberKey(sql, decision, event);
  return { event, permit: decision.permit };
}

/** Whoever asks on and on would push the answer beyond what is shown of the request, and so out of every capsule. */
function askedTooOften(sql: Sql, request: string): boolean {
  const { n } = sql.get<{ n: bigint }>('SELECT count(*) AS n FROM decisions WHERE request = ?', request)!;
  return int(n) >= MAX_DECISIONS_READ - 1;
}

function reserve(sql: Sql, request: string, taken: Decision['reserve']): void {
  if (!taken) return;
  const values = accountValues(taken.account);
  sql.run(
    'INSERT INTO budget_spent VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET units = units + excluded.units',
    ...values,
    taken.units,
  );
  sql.run("INSERT INTO budget_reserved VALUES (?, ?, ?, ?, ?, ?, ?, 'held')", request, ...values, taken.units);
}

function rememberKey(sql: Sql, { owner, subject, key, request, approvals, decision, now }: Decision, event: number) {
  sql.run(
    `DELETE FROM decision_keys WHERE (owner, subject, key) IN
       (SELECT owner, subject, key FROM decision_keys WHERE keep_until < ? ORDER BY keep_until LIMIT ${CLEARED_AT_ONCE})`,
    now,
  );
  sql.run(
    `INSERT INTO decision_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
       approvals = excluded.approvals, decision = excluded.decision, event = excluded.event, keep_until = excluded.keep_until`,
    owner,
    subject,
    key,
    request,
    approvals,
    decision,
    event,
    now + IDEMPOTENCY_MS,
  );
}

export function refuseDecision(sql: Sql, args: { owner: string; event: NewEvent }): EventPlace {
  const place = appendEvent(sql, args.event);
  sql.run('INSERT INTO event_owners VALUES (?, ?)', place.index, args.owner);
  return place;
}

type Reserved = { readonly budget: string; readonly units: number } | null;

export function budgetReserved(sql: Sql, args: { request: string }): Reserved {
  const text = "SELECT budget, units FROM budget_reserved WHERE request = ? AND state = 'held'";
  const row = sql.get<{ budget: string; units: bigint }>(text, args.request);
  return row ? { budget: row.budget, units: int(row.units) } : null;
}

export function reportOutcome(sql: Sql, report: Report): { event: number; returned: boolean } | 'stale' {
  const { owner, request, result, returns } = report;
  const last = sql.get<{ event: bigint; outcome: string; result: string; returned: bigint }>(
    'SELECT event, outcome, result, returned FROM outcomes WHERE request = ? ORDER BY event DESC LIMIT 1',
    request,
  );
  if (last?.outcome === report.outcome) return { event: int(last.event), returned: last.returned === 1n };
  if (last && last.result !== 'unknown') throw fail('outcome.settled');
  const held = result === 'refused' ? budgetReserved(sql, { request }) : null;
  if (held?.budget !== returns?.budget || held?.units !== returns?.units) return 'stale';
  if (result !== 'unknown') settleReservation(sql, request, result);
  const { index: event } = appendEvent(sql, report.event);
  sql.run('INSERT INTO event_owners VALUES (?, ?)', event, owner);
  sql.run('INSERT INTO outcomes VALUES (?, ?, ?, ?, ?)', event, request, report.outcome, result, held ? 1 : 0);
  sql.run('INSERT INTO decision_statements VALUES (?, ?) ON CONFLICT DO NOTHING', report.outcome, report.jws);
  return { event, returned: held !== null };
}

function settleReservation(sql: Sql, request: string, result: 'done' | 'refused'): void {
  const row = sql.get<BudgetAccountRow>(
    "UPDATE budget_reserved SET state = ? WHERE request = ? AND state = 'held' RETURNING *",
    result === 'refused' ? 'returned' : 'spent',
    request,
  );
  if (!row || result === 'done') return;
  const account = { ...row, period: int(row.period) };
  sql.run(`UPDATE budget_spent SET units = units - ? WHERE ${ofAccount}`, row.units, ...accountValues(account));
}

interface BudgetAccountRow extends Omit<BudgetAccount, 'period'> {
  readonly period: bigint;
  readonly units: bigint;
}

export function requestRecord(sql: Sql, args: { request: string }): RequestRecord | undefined {
  const rows = sql.all<DecidedRow & { owner: string }>(
    'SELECT owner, event, permit FROM decisions WHERE request = ? ORDER BY event LIMIT ?',
    args.request,
    MAX_DECISIONS_READ,
  );
  const [first] = rows;
  if (!first) return undefined;
  const outcomes = sql.all<{ event: bigint; outcome: string }>(
    'SELECT event, outcome FROM outcomes WHERE request = ? ORDER BY event LIMIT ?',
    args.request,
    MAX_DECISIONS_READ,
  );
  return {
    owner: first.owner,
    decisions: rows.map(decided),
    outcomes: outcomes.map(({ event, outcome }) => ({ event: int(event), outcome })),
  };
}

export function ownerOfEvent(sql: Sql, args: { index: number }): string | undefined {
  return sql.get<{ owner: string }>('SELECT owner FROM event_owners WHERE event = ?', args.index)?.owner;
}

export function keptStatements(sql: Sql, args: { ids: readonly string[] }): { id: string; jws: string }[] {
  return args.ids.flatMap((id) => {
    const row = sql.get<{ jws: string }>('SELECT jws FROM decision_statements WHERE id = ?', id);
    return row ? [{ id, jws: row.jws }] : [];
  });
}

export function keepPolicy(sql: Sql, args: { policy: string; text: string }): void {
  sql.run('INSERT INTO policies VALUES (?, ?) ON CONFLICT DO NOTHING', args.policy, args.text);
}

export function keptPolicy(sql: Sql, args: { policy: string }): string | undefined {
  return sql.get<{ text: string }>('SELECT text FROM policies WHERE policy = ?', args.policy)?.text;
}

/** What a database's operations module must export for `createDecisionLedger`. */
export interface DecisionLedgerOperations {
  decisionStanding: typeof decisionStanding;
  budgetsSpent: typeof budgetsSpent;
  takeDecision: typeof takeDecision;
  refuseDecision: typeof refuseDecision;
  budgetReserved: typeof budgetReserved;
  reportOutcome: typeof reportOutcome;
  requestRecord: typeof requestRecord;
  ownerOfEvent: typeof ownerOfEvent;
  keptStatements: typeof keptStatements;
  keepPolicy: typeof keepPolicy;
  keptPolicy: typeof keptPolicy;
}

export function createDecisionLedger<Ops extends DecisionLedgerOperations>(database: Database<Ops>): DecisionLedger {
  const db = database as unknown as Database<DecisionLedgerOperations>;
  return {
    standing: (submission) => db.read('decisionStanding', submission),
    spent: (accounts) => db.read('budgetsSpent', { accounts }),
    decide: (decision) => db.run('takeDecision', decision),
    refuse: (args) => db.run('refuseDecision', args),
    reserved: (request) => db.read('budgetReserved', { request }),
    report: (report) => db.run('reportOutcome', report),
    request: (request) => db.read('requestRecord', { request }),
    ownerOfEvent: (index) => db.read('ownerOfEvent', { index }),
    statements: (ids) => db.read('keptStatements', { ids }),
    keepPolicy: (args) => db.run('keepPolicy', args),
    policy: (policy) => db.read('keptPolicy', { policy }),
  };
}
