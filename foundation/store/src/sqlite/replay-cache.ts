import { fail } from '@caponier/protocol/errors';
import * as limits from '@caponier/protocol/limits';
import { MAX_NONCES, MAX_NONCES_PER_SCOPE, type ReplayCache } from '../ports/replay-cache.ts';
import type { Database } from './database.ts';
import type { Migrations } from './migrations.ts';
import { int, type Sql } from './sql.ts';

export const replayCacheTables: Migrations = {
  name: 'replay-cache',
  steps: [
    `CREATE TABLE nonces (
       scope TEXT NOT NULL, nonce TEXT NOT NULL, keep_until INTEGER NOT NULL, PRIMARY KEY (scope, nonce)
     ) STRICT, WITHOUT ROWID;
     CREATE INDEX nonces_old ON nonces (keep_until);
     CREATE TABLE nonce_counts (scope TEXT PRIMARY KEY, open INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TRIGGER nonces_added AFTER INSERT ON nonces BEGIN
       INSERT INTO nonce_counts VALUES (new.scope, 1) ON CONFLICT DO UPDATE SET open = open + 1;
       INSERT INTO nonce_counts VALUES ('', 1) ON CONFLICT DO UPDATE SET open = open + 1;
     END;
     CREATE TRIGGER nonces_removed AFTER DELETE ON nonces BEGIN
       UPDATE nonce_counts SET open = open - 1 WHERE scope IN (old.scope, '');
       DELETE FROM nonce_counts WHERE scope = old.scope AND open = 0;
     END;`,
  ],
};

/** Nonces past their time that one call clears away: more than it adds. */
const CLEARED_AT_ONCE = 8;

/** `ReplayCache.take`, inside an operation. */
export function takeNonce(sql: Sql, args: { scope: string; nonce: string; exp: number; now: number }): boolean {
  if (args.scope === '') throw fail('host.internal', 'empty scope');
  sql.run(
    `DELETE FROM nonces WHERE (scope, nonce) IN
       (SELECT scope, nonce FROM nonces WHERE keep_until < ? ORDER BY keep_until LIMIT ${CLEARED_AT_ONCE})`,
    args.now,
  );
  if (sql.get('SELECT 1 FROM nonces WHERE scope = ? AND nonce = ?', args.scope, args.nonce)) return false;
  const open = (scope: string) => {
    const row = sql.get<{ open: bigint }>('SELECT open FROM nonce_counts WHERE scope = ?', scope);
    return row ? int(row.open) : 0;
  };
  if (open(args.scope) >= MAX_NONCES_PER_SCOPE) throw fail('store.full', 'nonces of one scope');
  if (open('') >= MAX_NONCES) throw fail('store.full', 'nonces');
  const keepUntil = (args.exp + limits.clockSkewSeconds) * 1000;
  sql.run('INSERT INTO nonces VALUES (?, ?, ?)', args.scope, args.nonce, keepUntil);
  return true;
}

/** What a database's operations module must export for `createReplayCache`. */
export interface ReplayCacheOperations {
  takeNonce: typeof takeNonce;
}

export function createReplayCache<Ops extends ReplayCacheOperations>(database: Database<Ops>): ReplayCache {
  const db = database as unknown as Database<ReplayCacheOperations>;
  return { take: (args) => db.run('takeNonce', args) };
}
