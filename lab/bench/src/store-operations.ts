import type { Migrations, Sql } from '@caponier/store';

/** What the `store` suite does in the database: one row of 1 KiB an operation. */
export const tables: Migrations = {
  name: 'bench',
  steps: ['CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT'],
};

export function put(sql: Sql, args: { body: Uint8Array }): void {
  sql.run('INSERT INTO rows (body) VALUES (?)', args.body);
}
