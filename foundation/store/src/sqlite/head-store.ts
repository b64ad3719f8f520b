import { fail } from '@caponier/protocol/errors';
import {
  type HeadStore,
  MAX_LEAVES,
  MAX_REMOVALS,
  type StandingRemoval,
  type StoredHead,
  type StoredLeaf,
} from '../ports/head-store.ts';
import type { Database } from './database.ts';
import type { Migrations } from './migrations.ts';
import { int, type Sql } from './sql.ts';

export const headStoreTables: Migrations = {
  name: 'head-store',
  steps: [
    `CREATE TABLE log_heads (
       log TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE log_leaves (
       log TEXT NOT NULL, idx INTEGER NOT NULL, leaf BLOB NOT NULL, statement TEXT, cosigns TEXT NOT NULL,
       PRIMARY KEY (log, idx)
     ) STRICT;
     CREATE TABLE log_removals (
       log TEXT NOT NULL, id TEXT NOT NULL, statement TEXT NOT NULL, cosigns TEXT NOT NULL, PRIMARY KEY (log, id)
     ) STRICT;`,
  ],
};

interface Log {
  readonly log: string;
}

export function logHead(sql: Sql, { log }: Log): StoredHead | undefined {
  const row = sql.get<{ size: bigint; root: Uint8Array; note: string }>(
    'SELECT size, root, note FROM log_heads WHERE log = ?',
    log,
  );
  return row && { size: int(row.size), root: row.root, note: row.note };
}

function leafCount(sql: Sql, log: string): number {
  const row = sql.get<{ next: bigint }>('SELECT ifnull(max(idx) + 1, 0) AS next FROM log_leaves WHERE log = ?', log);
  return row ? int(row.next) : 0;
}

export function advanceLog(
  sql: Sql,
  args: Log & { from: number; leaves: readonly StoredLeaf[]; head?: StoredHead },
): void {
  const { log, from, leaves, head } = args;
  if (leaves.length > MAX_LEAVES) throw fail('log.bad_leaf', 'too many leaves at once');
  const count = leafCount(sql, log);
  if (leaves.length > 0 && from !== count) throw fail('log.bad_leaf', `leaves start at ${from}, not ${count}`);
  leaves.forEach(({ leaf, statement, cosigns }, i) => {
    sql.run('INSERT INTO log_leaves VALUES (?, ?, ?, ?, ?)', log, from + i, leaf, statement, JSON.stringify(cosigns));
  });
  if (!head) return;
  const known = logHead(sql, { log });
  if (known && head.size < known.size) throw fail('log.rolled_back', `${head.size} after ${known.size}`);
  if (known && head.size === known.size && !sameRoot(head.root, known.root)) throw fail('log.forked', `${head.size}`);
  if (head.size > count + leaves.length) throw fail('log.bad_leaf', 'the head covers leaves that are missing');
  sql.run(
    `INSERT INTO log_heads VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note`,
    log,
    head.size,
    head.root,
    head.note,
  );
}

function sameRoot(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function logLeaves(sql: Sql, args: Log & { from: number; limit: number }): StoredLeaf[] {
  return sql
    .all<{ leaf: Uint8Array; statement: string | null; cosigns: string }>(
      'SELECT leaf, statement, cosigns FROM log_leaves WHERE log = ? AND idx >= ? ORDER BY idx LIMIT ?',
      args.log,
      args.from,
      Math.max(0, Math.min(args.limit, MAX_LEAVES)),
    )
    .map((row) => ({ ...row, cosigns: JSON.parse(row.cosigns) as string[] }));
}

export function fillLeaf(sql: Sql, args: Log & { index: number; statement: string; cosigns: readonly string[] }): void {
  const { changes } = sql.run(
    `UPDATE log_leaves SET cosigns = iif(statement IS NULL, ?, cosigns), statement = ifnull(statement, ?)
     WHERE log = ? AND idx = ?`,
    JSON.stringify(args.cosigns),
    args.statement,
    args.log,
    args.index,
  );
  if (changes === 0) throw fail('log.bad_leaf', `no leaf ${args.index}`);
}

export function standRemoval(sql: Sql, { log, removal }: Log & { removal: StandingRemoval }): void {
  const row = sql.get<{ standing: bigint }>('SELECT count(*) AS standing FROM log_removals WHERE log = ?', log);
  const known = sql.get('SELECT 1 FROM log_removals WHERE log = ? AND id = ?', log, removal.id);
  if (known) return;
  if (row && int(row.standing) >= MAX_REMOVALS) throw fail('store.full', 'removals');
  sql.run(
    'INSERT INTO log_removals VALUES (?, ?, ?, ?)',
    log,
    removal.id,
    removal.statement,
    JSON.stringify(removal.cosigns),
  );
}

export function settleRemoval(sql: Sql, { log, id }: Log & { id: string }): void {
  sql.run('DELETE FROM log_removals WHERE log = ? AND id = ?', log, id);
}

export function standingRemovals(sql: Sql, { log }: Log): StandingRemoval[] {
  return sql
    .all<{ id: string; statement: string; cosigns: string }>(
      'SELECT id, statement, cosigns FROM log_removals WHERE log = ? ORDER BY rowid LIMIT ?',
      log,
      MAX_REMOVALS,
    )
    .map((row) => ({ ...row, cosigns: JSON.parse(row.cosigns) as string[] }));
}

/** What a database's operations module must export for `createHeadStore`. */
export interface HeadStoreOperations {
  logHead: typeof logHead;
  advanceLog: typeof advanceLog;
  logLeaves: typeof logLeaves;
  fillLeaf: typeof fillLeaf;
  standRemoval: typeof standRemoval;
  settleRemoval: typeof settleRemoval;
  standingRemovals: typeof standingRemovals;
}

export function createHeadStore<Ops extends HeadStoreOperations>(database: Database<Ops>): HeadStore {
  const db = database as unknown as Database<HeadStoreOperations>;
  return {
    head: (log) => db.read('logHead', { log }),
    advance: (args) => db.run('advanceLog', args),
    leaves: (query) => db.read('logLeaves', query),
    fill: (args) => db.run('fillLeaf', args),
    remove: (args) => db.run('standRemoval', args),
    settle: (args) => db.run('settleRemoval', args),
    removals: (log) => db.read('standingRemovals', { log }),
  };
}
