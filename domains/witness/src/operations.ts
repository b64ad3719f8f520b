import { int, type Migrations, type Sql } from '@caponier/store/operations';
import type { WitnessHead } from './store.ts';

/** The tables of a witness and what is done to them, inside the storage thread. */
export const tables: Migrations = {
  name: 'witness',
  steps: [
    `CREATE TABLE witness_head (
       origin TEXT PRIMARY KEY,
       size INTEGER NOT NULL,
       root BLOB NOT NULL,
       note TEXT NOT NULL
     ) STRICT`,
  ],
};

export function head(sql: Sql, { origin }: { origin: string }): WitnessHead | undefined {
  const row = sql.get<{ size: bigint; root: Uint8Array; note: string }>(
    'SELECT size, root, note FROM witness_head WHERE origin = ?',
    origin,
  );
  return row && { origin, size: int(row.size), root: row.root, note: row.note };
}

export function advance(
  sql: Sql,
  { from, head }: { from: { size: number; root: Uint8Array }; head: WitnessHead },
): boolean {
  const { changes } =
    from.size === 0
      ? sql.run(
          `INSERT INTO witness_head (origin, size, root, note) VALUES (?, ?, ?, ?)
             ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note
             WHERE witness_head.size = 0`,
          head.origin,
          head.size,
          head.root,
          head.note,
        )
      : sql.run(
          'UPDATE witness_head SET size = ?, root = ?, note = ? WHERE origin = ? AND size = ? AND root = ?',
          head.size,
          head.root,
          head.note,
          head.origin,
          from.size,
          from.root,
        );
  return changes === 1;
}
