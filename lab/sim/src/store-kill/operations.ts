import { int, type Migrations, type Sql } from '@caponier/store';

/** Two tables that one operation writes together: a half of it alone would show that a transaction came apart. */

export const tables: Migrations = {
  name: 'store-kill',
  steps: [
    'CREATE TABLE left_rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT',
    'CREATE TABLE right_rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT',
  ],
};

export function put(sql: Sql, { id, body }: { id: number; body: Uint8Array }): void {
  sql.run('INSERT INTO left_rows (id, body) VALUES (?, ?)', id, body);
  sql.run('INSERT INTO right_rows (id, body) VALUES (?, ?)', id, body);
}

/** All rows of one table, by id. */
export function rows(sql: Sql, { side }: { side: 'left' | 'right' }): { id: number; body: Uint8Array }[] {
  return sql
    .all<{ id: bigint; body: Uint8Array }>(`SELECT id, body FROM ${side}_rows ORDER BY id`)
    .map(({ id, body }) => ({ id: int(id), body }));
}

export function integrity(sql: Sql): string {
  return sql
    .all<{ integrity_check: string }>('PRAGMA integrity_check')
    .map((row) => row.integrity_check)
    .join('; ');
}
