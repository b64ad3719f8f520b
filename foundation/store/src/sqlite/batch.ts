import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { fail } from '@caponier/protocol/errors';
import { type Failure, failureOf, isFatal } from './errors.ts';
import type { Answers, Call } from './messages.ts';
import { createSql, type Sql } from './sql.ts';
import { weigh } from './weigh.ts';

export type OperationTable = Readonly<Record<string, unknown>>;

function operation(table: OperationTable, name: string): (sql: Sql, args: unknown) => unknown {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (typeof found !== 'function') throw fail('host.internal', `no operation ${name}`);
  return found as (sql: Sql, args: unknown) => unknown;
}

/**
 * Group commit: many operations, each in its own savepoint, inside one transaction with one fsync. An operation that
 * throws takes back its own savepoint and nothing else. Nobody is answered before COMMIT has returned; if COMMIT
 * fails, everybody is refused, because nothing of the batch lasts.
 */
export class Writer {
  readonly #connection: DatabaseSync;
  readonly #table: OperationTable;
  readonly #sql: Sql;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #savepoint: StatementSync;
  readonly #release: StatementSync;
  readonly #takeBack: StatementSync;
  readonly #changes: StatementSync;
  #count = 0;
  #values: unknown[] = [];
  #failures: [number, Failure][] = [];
  /** Why the batch under way cannot last. */
  #lost: Failure | undefined;
  /** Why no batch can, ever again. */
  #dead: Failure | undefined;

  constructor(connection: DatabaseSync, table: OperationTable) {
    this.#connection = connection;
    this.#table = table;
    this.#sql = createSql(connection);
    this.#begin = connection.prepare('BEGIN IMMEDIATE');
    this.#commit = connection.prepare('COMMIT');
    this.#savepoint = connection.prepare('SAVEPOINT operation');
    this.#release = connection.prepare('RELEASE operation');
    this.#takeBack = connection.prepare('ROLLBACK TO operation');
    this.#changes = connection.prepare('SELECT total_changes() AS changes');
  }

  /** Rows written since the database was opened. */
  get changes(): number {
    return Number(this.#changes.get()!.changes);
  }

  /** Applies more operations to the batch under way, or begins one. */
  apply(calls: readonly Call[]): void {
    const first = this.#count;
    this.#count += calls.length;
    try {
      if (this.#dead) this.#lost = this.#dead;
      else if (first === 0) this.#begin.run();
      for (let i = 0; i < calls.length && !this.#lost; i++) this.#one(calls[i]!, first + i);
    } catch (error) {
      this.#lose(error);
    }
  }

  /** Ends the batch and makes it durable. */
  commit(): Answers {
    try {
      if (this.#count > 0 && !this.#lost) this.#commit.run();
    } catch (error) {
      this.#lose(error);
    }
    const lost = this.#lost;
    const answers: Answers = lost
      ? { values: [], failures: Array.from({ length: this.#count }, (_, index) => [index, lost] as const) }
      : { values: this.#values, failures: this.#failures };
    this.#count = 0;
    this.#values = [];
    this.#failures = [];
    this.#lost = undefined;
    return answers;
  }

  #one([name, args]: Call, index: number): void {
    try {
      this.#savepoint.run();
      const value = operation(this.#table, name)(this.#sql, args);
      // Refuses what cannot cross to the caller (a promise, for instance) while it can still be taken back.
      if (value !== undefined) weigh(value);
      this.#release.run();
      this.#values[index] = value;
    } catch (error) {
      // SQLite itself rolls the whole transaction back on some errors (full, I/O): then the batch is lost, not only this.
      if (!this.#connection.isTransaction || isFatal(error)) throw error;
      this.#takeBack.run();
      this.#release.run();
      this.#failures.push([index, failureOf(error)]);
    }
  }

  #lose(error: unknown): void {
    this.#lost = failureOf(error);
    if (isFatal(error)) this.#dead = this.#lost;
    if (this.#connection.isTransaction) this.#connection.exec('ROLLBACK');
  }
}

/** Reads, each in a snapshot of its own on a connection that cannot write. */
export function createReader(connection: DatabaseSync, table: OperationTable): (calls: readonly Call[]) => Answers {
  const sql = createSql(connection);
  return (calls) => {
    const values: unknown[] = [];
    const failures: [number, Failure][] = [];
    calls.forEach(([name, args], index) => {
      try {
        const apply = operation(table, name);
        sql.run('BEGIN');
        const value = apply(sql, args);
        weigh(value);
        sql.run('COMMIT');
        values[index] = value;
      } catch (error) {
        if (connection.isTransaction) connection.exec('ROLLBACK');
        failures.push([index, failureOf(error)]);
      }
    });
    return { values, failures };
  };
}
