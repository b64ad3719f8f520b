import type { Migrations, Sql } from '@caponier/store/operations';

/** What a device keeps, as keys and values: sessions, mail, what it saw of the log. */
export const tables: Migrations = {
  name: 'device',
  steps: ['CREATE TABLE entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID'],
};

export function get(sql: Sql, args: { key: string }): Uint8Array | null {
  return sql.get<{ value: Uint8Array }>('SELECT value FROM entries WHERE key = ?', args.key)?.value ?? null;
}

export function put(sql: Sql, args: { changes: readonly (readonly [key: string, value: Uint8Array | null])[] }): void {
  for (const [key, value] of args.changes) {
    if (value === null) sql.run('DELETE FROM entries WHERE key = ?', key);
    else
      sql.run(
        'INSERT INTO entries (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
        key,
        value,
      );
  }
}

export function list(
  sql: Sql,
  args: { from: string; below: string; limit: number },
): { key: string; value: Uint8Array }[] {
  return sql.all<{ key: string; value: Uint8Array }>(
    'SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?',
    args.from,
    args.below,
    args.limit,
  );
}
