import { fail } from '@caponier/protocol';
import { int, type Migrations, type Sql } from '../../src/index.ts';

export const tables: Migrations = {
  name: 'test',
  steps: [
    'CREATE TABLE things (id INTEGER PRIMARY KEY, body BLOB NOT NULL, size INTEGER) STRICT',
    'CREATE TABLE marks (at INTEGER) STRICT',
  ],
};

export function put(sql: Sql, args: { id: number; body: Uint8Array }): void {
  sql.run('INSERT INTO things (id, body, size) VALUES (?, ?, ?)', args.id, args.body, args.body.length);
}

/** Writes first and then refuses, so that a test sees whether the write was taken back. */
export function putThenRefuse(sql: Sql, args: { id: number }): void {
  sql.run('INSERT INTO things (id, body) VALUES (?, ?)', args.id, new Uint8Array(1));
  throw fail('permit.used_up', 'on purpose');
}

export function putThenBreak(sql: Sql, args: { id: number }): void {
  sql.run('INSERT INTO things (id, body) VALUES (?, ?)', args.id, new Uint8Array(1));
  throw new Error('secret detail');
}

export async function putLater(sql: Sql, args: { id: number }): Promise<void> {
  sql.run('INSERT INTO things (id, body) VALUES (?, ?)', args.id, new Uint8Array(1));
}

export function ids(sql: Sql): number[] {
  return sql.all<{ id: bigint }>('SELECT id FROM things ORDER BY id LIMIT 100000').map((row) => int(row.id));
}

export function big(sql: Sql, args: { value: bigint }): unknown {
  return sql.get<{ value: bigint }>('SELECT ? AS value', args.value)?.value;
}

export function kindOf(sql: Sql, args: { value: number }): unknown {
  return sql.get('SELECT typeof(?) AS kind', args.value)?.kind;
}

export function echo(_sql: Sql, args: unknown): unknown {
  return args;
}

/** Goes round the tests' back: damages the database from inside, as a bad disk would. */
export function pragma(sql: Sql, args: { name: string }): unknown {
  return Object.values(sql.get(`PRAGMA ${args.name}`) ?? {})[0];
}
