import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** What can be bound. Integers of any size come back as bigint (see `int`), blobs as Uint8Array. */
export type SqlValue = number | bigint | string | Uint8Array | null;

/** One result row. */
export type Row = Record<string, bigint | number | string | Uint8Array | null>;

/**
 * What an operation is given: synchronous statements inside its own savepoint. Each distinct text is prepared once, so
 * texts are constants and everything that varies is a `?`.
 */
export interface Sql {
  /** Runs a statement; `changes` is the number of rows it touched. */
  run(text: string, ...values: SqlValue[]): { readonly changes: number };
  /** The first row, or undefined. `T` is the caller's claim about the columns of its own table. */
  get<T extends object = Row>(text: string, ...values: SqlValue[]): T | undefined;
  /** All rows: always bound the number in the text (`LIMIT ?`). */
  all<T extends object = Row>(text: string, ...values: SqlValue[]): T[];
}

/** An integer column as a number. Integers above 2^53 stay bigint everywhere else; one that gets here is a fault of ours. */
export function int(value: unknown): number {
  const number = Number(value);
  if (typeof value !== 'bigint' || !Number.isSafeInteger(number)) throw new TypeError('not a safe integer column');
  return number;
}

/** node:sqlite binds every JavaScript number as REAL, so 1 would not equal 1 where the column has no affinity. */
function bind(values: SqlValue[]): SQLInputValue[] {
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value === 'number' && Number.isSafeInteger(value)) values[i] = BigInt(value);
  }
  return values as SQLInputValue[];
}

/** Statement texts one connection keeps prepared; above it the oldest is dropped, so that a built text costs time, not memory. */
const MAX_PREPARED = 512;

export function createSql(connection: DatabaseSync): Sql {
  const prepared = new Map<string, StatementSync>();
  const statement = (text: string): StatementSync => {
    const known = prepared.get(text);
    if (known) return known;
    if (prepared.size >= MAX_PREPARED) prepared.delete(prepared.keys().next().value as string);
    const made = connection.prepare(text);
    made.setReadBigInts(true);
    prepared.set(text, made);
    return made;
  };
  return {
    run: (text, ...values) => ({ changes: Number(statement(text).run(...bind(values)).changes) }),
    get: <T extends object>(text: string, ...values: SqlValue[]) =>
      statement(text).get(...bind(values)) as T | undefined,
    all: <T extends object>(text: string, ...values: SqlValue[]) => statement(text).all(...bind(values)) as T[],
  };
}
