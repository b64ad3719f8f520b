import type { DatabaseSync } from 'node:sqlite';
import { fail } from '@caponier/protocol/errors';
import { createSql, int } from './sql.ts';

/**
 * The tables of one module, as steps that are each applied once, in order, and never changed after they shipped. Several
 * modules share a database by each bringing its own set: `migrations: [eventLogTables, workerLedgerTables, myTables]`.
 */
export interface Migrations {
  /** Unique in the database. */
  readonly name: string;
  /** SQL scripts. */
  readonly steps: readonly string[];
}

/**
 * Brings every set up to date, all or nothing. A database that has steps we do not know was written by a newer version:
 * refused with `store.too_new`, because an older program could break rules it has never heard of.
 */
export function migrate(connection: DatabaseSync, sets: readonly Migrations[]): void {
  connection.exec('BEGIN IMMEDIATE');
  try {
    connection.exec(
      'CREATE TABLE IF NOT EXISTS caponier_migrations (name TEXT PRIMARY KEY, steps INTEGER NOT NULL) STRICT',
    );
    const sql = createSql(connection);
    for (const { name, steps } of sets) {
      const row = sql.get<{ steps: bigint }>('SELECT steps FROM caponier_migrations WHERE name = ?', name);
      const done = row ? int(row.steps) : 0;
      if (done > steps.length)
        throw fail('store.too_new', `${name} has ${done} steps, this version knows ${steps.length}`);
      for (const step of steps.slice(done)) connection.exec(step);
      sql.run(
        'INSERT INTO caponier_migrations VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET steps = excluded.steps',
        name,
        steps.length,
      );
    }
    connection.exec('COMMIT');
  } catch (error) {
    if (connection.isTransaction) connection.exec('ROLLBACK');
    throw error;
  }
}
