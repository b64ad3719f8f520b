import { fail } from '@caponier/protocol/errors';
import { int, type Migrations, type Sql } from '@caponier/store/operations';

/** Secrets one owner may keep. */
export const MAX_SECRETS = 1_000;

export const secretTables: Migrations = {
  name: 'secrets',
  steps: [
    `CREATE TABLE secrets (
      owner TEXT NOT NULL,
      name TEXT NOT NULL,
      version INTEGER NOT NULL,
      sealed BLOB NOT NULL,
      rules TEXT NOT NULL,
      put_by TEXT NOT NULL,
      put_at INTEGER NOT NULL,
      PRIMARY KEY (owner, name)
    ) STRICT, WITHOUT ROWID`,
  ],
};

/** A secret as it is kept. The value is sealed; name and rules are not hidden from whoever reads the database. */
export interface SecretRow {
  readonly owner: string;
  readonly name: string;
  /** Counts up with every `put`, from 1. */
  readonly version: number;
  readonly sealed: Uint8Array;
  /** What it may be used for, as the text that is authenticated with the value. */
  readonly rules: string;
  /** The agent, or the device that put it for its person. */
  readonly putBy: string;
  /** Milliseconds since the epoch. */
  readonly putAt: number;
}

/** Writes a version on top of the one before. False: somebody wrote in between, read again. Throws `store.full`. */
export function putSecret(sql: Sql, row: SecretRow): boolean {
  if (row.version > 1) {
    return (
      sql.run(
        'UPDATE secrets SET version = ?, sealed = ?, rules = ?, put_by = ?, put_at = ? WHERE owner = ? AND name = ? AND version = ?',
        row.version,
        row.sealed,
        row.rules,
        row.putBy,
        row.putAt,
        row.owner,
        row.name,
        row.version - 1,
      ).changes === 1
    );
  }
  const count = sql.get<{ n: bigint }>('SELECT count(*) AS n FROM secrets WHERE owner = ?', row.owner);
  if (int(count?.n) >= MAX_SECRETS) throw fail('store.full', 'secrets of one owner');
  return (
    sql.run(
      'INSERT INTO secrets (owner, name, version, sealed, rules, put_by, put_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
      row.owner,
      row.name,
      row.version,
      row.sealed,
      row.rules,
      row.putBy,
      row.putAt,
    ).changes === 1
  );
}

interface Columns {
  readonly owner: string;
  readonly name: string;
  readonly version: bigint;
  readonly sealed: Uint8Array;
  readonly rules: string;
  readonly put_by: string;
  readonly put_at: bigint;
}

export function getSecret(sql: Sql, key: { owner: string; name: string }): SecretRow | null {
  const row = sql.get<Columns>('SELECT * FROM secrets WHERE owner = ? AND name = ?', key.owner, key.name);
  return row ? fromColumns(row) : null;
}

export interface ListedSecret {
  readonly name: string;
  readonly version: number;
  readonly rules: string;
  readonly putBy: string;
  readonly putAt: number;
}

/** The owner's secrets whose names begin so, by name; without their values. */
export function listSecrets(sql: Sql, key: { owner: string; prefix: string }): ListedSecret[] {
  return sql
    .all<Omit<Columns, 'sealed' | 'owner'>>(
      'SELECT name, version, rules, put_by, put_at FROM secrets WHERE owner = ? AND substr(name, 1, length(?)) = ? ORDER BY name LIMIT ?',
      key.owner,
      key.prefix,
      key.prefix,
      MAX_SECRETS,
    )
    .map((row) => ({
      name: row.name,
      version: int(row.version),
      rules: row.rules,
      putBy: row.put_by,
      putAt: int(row.put_at),
    }));
}

/** False: there was none. */
export function deleteSecret(sql: Sql, key: { owner: string; name: string }): boolean {
  return sql.run('DELETE FROM secrets WHERE owner = ? AND name = ?', key.owner, key.name).changes === 1;
}

function fromColumns(row: Columns): SecretRow {
  return {
    owner: row.owner,
    name: row.name,
    version: int(row.version),
    sealed: row.sealed,
    rules: row.rules,
    putBy: row.put_by,
    putAt: int(row.put_at),
  };
}
