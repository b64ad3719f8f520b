import type { DatabaseSync } from 'node:sqlite';
import { fail } from '@caponier/protocol';
import { type Failure, failureOf, isFatal } from './errors.ts';
import type { Call, Reply } from './messages.ts';
import { createSql, type Sql } from './sql.ts';
import { weigh } from './weigh.ts';

export type OperationTable = Readonly<Record<string, unknown>>;

function operation(table: OperationTable, name: string): (sql: Sql, args: unknown) => unknown {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (typeof found !== 'function') throw fail('host.internal', `no operation ${name}`);
  return found as (sql: Sql, args: unknown) => unknown;
}

function refuseAll(calls: readonly Call[], failure: Failure): Reply[] {
  return calls.map(({ id }) => ({ id, failure }));
}

/**
 * Group commit: many operations, each in its own savepoint, inside one transaction with one fsync. An operation that
 * throws takes back its own savepoint and nothing else. Nobody is answered before COMMIT has returned; if COMMIT
 * fails, everybody is refused, because nothing of the batch lasts.
 */
export function createWriter(connection: DatabaseSync, table: OperationTable): (calls: readonly Call[]) => Reply[] {
  const sql = createSql(connection);
  let dead: Failure | undefined;

  const one = ({ id, name, args }: Call): Reply => {
    try {
      const apply = operation(table, name);
      sql.run('SAVEPOINT operation');
      const value = apply(sql, args);
      // Refuses what cannot cross to the caller (a promise, for instance) while it can still be taken back.
      weigh(value);
      sql.run('RELEASE operation');
      return { id, value };
    } catch (error) {
      // SQLite itself rolls the whole transaction back on some errors (full, I/O): then the batch is lost, not only this.
      if (!connection.isTransaction || isFatal(error)) throw error;
      sql.run('ROLLBACK TO operation');
      sql.run('RELEASE operation');
      return { id, failure: failureOf(error) };
    }
  };

  return (calls) => {
    if (dead) return refuseAll(calls, dead);
    try {
      sql.run('BEGIN IMMEDIATE');
      const replies = calls.map(one);
      sql.run('COMMIT');
      return replies;
    } catch (error) {
      const failure = failureOf(error);
      if (isFatal(error)) dead = failure;
      if (connection.isTransaction) connection.exec('ROLLBACK');
      return refuseAll(calls, failure);
    }
  };
}

/** Reads, each in a snapshot of its own on a connection that cannot write. */
export function createReader(connection: DatabaseSync, table: OperationTable): (call: Call) => Reply {
  const sql = createSql(connection);
  return ({ id, name, args }) => {
    try {
      const apply = operation(table, name);
      sql.run('BEGIN');
      const value = apply(sql, args);
      weigh(value);
      sql.run('COMMIT');
      return { id, value };
    } catch (error) {
      if (connection.isTransaction) connection.exec('ROLLBACK');
      return { id, failure: failureOf(error) };
    }
  };
}
