import type { LeafClass, registryWire } from '@caponier/protocol';
import { fail } from '@caponier/protocol/errors';
import { int, type Migrations, type Sql } from '@caponier/store/operations';
import { DAY_MS, MAX_OWNER_FREEZES_PER_DAY, MAX_PAGE_BYTES, MAX_PAGE_LEAVES, MAX_STANDING_FREEZES } from './limits.ts';
import type { Integration, OwnerKeys, ShownLeaf, StoredFreeze, StoredStatement } from './store.ts';

/** The tables of a registry and what is done to them, inside the storage thread. */
export const tables: Migrations = {
  name: 'registry',
  steps: [
    `CREATE TABLE log (name TEXT PRIMARY KEY, size INTEGER NOT NULL, note TEXT) STRICT;
     INSERT INTO log VALUES ('owners', 0, NULL), ('events', 0, NULL);
     CREATE TABLE entry (
       log TEXT NOT NULL, idx INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (log, idx)
     ) STRICT, WITHOUT ROWID;
     CREATE UNIQUE INDEX entry_once ON entry (log, data);
     CREATE TABLE tile (
       log TEXT NOT NULL, level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL, PRIMARY KEY (log, level, idx)
     ) STRICT;
     CREATE TABLE statement (
       idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, seq INTEGER NOT NULL, class TEXT NOT NULL,
       jws TEXT NOT NULL, cosigns TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (owner, seq)
     ) STRICT;
     CREATE INDEX statement_quota ON statement (owner, at);
     CREATE INDEX statement_first ON statement (seq) WHERE seq = 0;
     CREATE TABLE reader (owner TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (owner, key)) STRICT, WITHOUT ROWID;
     CREATE TABLE freeze (
       id TEXT PRIMARY KEY, owner TEXT NOT NULL, jws TEXT NOT NULL, at INTEGER NOT NULL, stands INTEGER NOT NULL
     ) STRICT;
     CREATE INDEX freeze_owner ON freeze (owner, at);
     CREATE INDEX freeze_standing ON freeze (id) WHERE stands = 1;
     CREATE TABLE ticket (id TEXT PRIMARY KEY, used INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;`,
    'CREATE INDEX reader_key ON reader (key)',
    // Owners who have not written since have no row; they get one when their chain is replayed.
    'CREATE TABLE approver (owner TEXT PRIMARY KEY, keys TEXT NOT NULL) STRICT, WITHOUT ROWID',
  ],
};

type LogName = registryWire.LogName;

export function log(sql: Sql, { log }: { log: LogName }): { size: number; note: string | null } {
  const row = sql.get<{ size: bigint; note: string | null }>('SELECT size, note FROM log WHERE name = ?', log)!;
  return { size: int(row.size), note: row.note };
}

export function integrate(sql: Sql, batch: Integration): void {
  const size = batch.from + batch.entries.length;
  const { changes } = sql.run('UPDATE log SET size = ? WHERE name = ? AND size = ?', size, batch.log, batch.from);
  if (changes !== 1) throw fail('store.damaged', `the log is not of size ${batch.from}`);
  for (const [i, entry] of batch.entries.entries()) {
    sql.run('INSERT INTO entry VALUES (?, ?, ?)', batch.log, batch.from + i, entry);
  }
  for (const { level, index, hashes } of batch.tiles) {
    sql.run('INSERT OR REPLACE INTO tile VALUES (?, ?, ?, ?)', batch.log, level, index, hashes);
  }
  for (const s of batch.statements) {
    const cosigns = JSON.stringify(s.cosigns);
    sql.run(
      'INSERT INTO statement VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      s.index,
      s.id,
      s.owner,
      s.seq,
      s.class,
      s.statement,
      cosigns,
      batch.at,
    );
  }
  for (const { owner, keys } of batch.readers) {
    sql.run('DELETE FROM reader WHERE owner = ?', owner);
    for (const key of keys) sql.run('INSERT OR IGNORE INTO reader VALUES (?, ?)', owner, key);
  }
  for (const approvers of batch.approvers) setApprovers(sql, approvers);
  for (const id of batch.thawed) sql.run('UPDATE freeze SET stands = 0 WHERE id = ?', id);
}

export function setApprovers(sql: Sql, { owner, keys }: OwnerKeys): void {
  sql.run('INSERT OR REPLACE INTO approver VALUES (?, ?)', owner, JSON.stringify(keys));
}

/** Does not overwrite: what an append said meanwhile is newer. */
export function recallApprovers(sql: Sql, { owner, keys }: OwnerKeys): void {
  sql.run('INSERT OR IGNORE INTO approver VALUES (?, ?)', owner, JSON.stringify(keys));
}

export function approvers(sql: Sql, { owner }: { owner: string }): string[] | undefined {
  const row = sql.get<{ keys: string }>('SELECT keys FROM approver WHERE owner = ?', owner);
  return row && (JSON.parse(row.keys) as string[]);
}

export function publish(sql: Sql, { log, note }: { log: LogName; note: string }): void {
  sql.run('UPDATE log SET note = ? WHERE name = ?', note, log);
}

export function tile(
  sql: Sql,
  { log, level, index }: { log: LogName; level: number; index: number },
): Uint8Array | undefined {
  const text = 'SELECT hashes FROM tile WHERE log = ? AND level = ? AND idx = ?';
  return sql.get<{ hashes: Uint8Array }>(text, log, level, index)?.hashes;
}

export function entries(sql: Sql, { log, from, to }: { log: LogName; from: number; to: number }): Uint8Array[] {
  const text = 'SELECT data FROM entry WHERE log = ? AND idx >= ? AND idx < ? ORDER BY idx LIMIT 256';
  return sql.all<{ data: Uint8Array }>(text, log, from, to).map((row) => row.data);
}

export function indicesOf(
  sql: Sql,
  { log, entries }: { log: LogName; entries: readonly Uint8Array[] },
): (number | null)[] {
  return entries.map((data) => {
    const row = sql.get<{ idx: bigint }>('SELECT idx FROM entry WHERE log = ? AND data = ?', log, data);
    return row ? int(row.idx) : null;
  });
}

interface StatementRow {
  readonly idx: bigint;
  readonly id: string;
  readonly owner: string;
  readonly seq: bigint;
  readonly class: LeafClass;
  readonly jws: string;
  readonly cosigns: string;
}

function toStatement(row: StatementRow): StoredStatement {
  return {
    id: row.id,
    owner: row.owner,
    seq: int(row.seq),
    index: int(row.idx),
    class: row.class,
    statement: row.jws,
    cosigns: JSON.parse(row.cosigns) as string[],
  };
}

export function statement(sql: Sql, { id }: { id: string }): StoredStatement | undefined {
  const row = sql.get<StatementRow>('SELECT * FROM statement WHERE id = ?', id);
  return row && toStatement(row);
}

export function chain(
  sql: Sql,
  { owner, from, limit }: { owner: string; from: number; limit: number },
): StoredStatement[] {
  const text = 'SELECT * FROM statement WHERE owner = ? AND seq >= ? ORDER BY seq LIMIT ?';
  return sql.all<StatementRow>(text, owner, from, limit).map(toStatement);
}

export function page(sql: Sql, { from, to, reader }: { from: number; to: number; reader: string | null }): ShownLeaf[] {
  const rows = sql.all<{ idx: bigint; data: Uint8Array; jws: string | null; cosigns: string | null }>(
    `SELECT e.idx, e.data, s.jws, s.cosigns FROM entry e LEFT JOIN statement s ON s.idx = e.idx
       AND (s.class = 'membership' OR EXISTS (SELECT 1 FROM reader r WHERE r.owner = s.owner AND r.key = ?))
     WHERE e.log = 'owners' AND e.idx >= ? AND e.idx < ? ORDER BY e.idx LIMIT ?`,
    reader ?? '',
    from,
    to,
    MAX_PAGE_LEAVES,
  );
  const leaves: ShownLeaf[] = [];
  let bytes = 0;
  for (const { idx, data, jws, cosigns } of rows) {
    if (bytes > MAX_PAGE_BYTES) break;
    bytes += data.length + (jws?.length ?? 0) + (cosigns?.length ?? 0);
    leaves.push({ index: int(idx), entry: data, statement: jws, cosigns: JSON.parse(cosigns ?? '[]') as string[] });
  }
  return leaves;
}

export function isReader(sql: Sql, { owner, key }: { owner: string; key: string }): boolean {
  return sql.get('SELECT 1 FROM reader WHERE owner = ? AND key = ?', owner, key) !== undefined;
}

export function readsAnything(sql: Sql, { key }: { key: string }): boolean {
  return sql.get('SELECT 1 FROM reader WHERE key = ?', key) !== undefined;
}

export function counts(
  sql: Sql,
  { owner, since }: { owner: string; since: number },
): { written: number; owners: number } {
  const written = sql.get<{ n: bigint }>('SELECT count(*) n FROM statement WHERE owner = ? AND at > ?', owner, since)!;
  const owners = sql.get<{ n: bigint }>('SELECT count(*) n FROM statement WHERE seq = 0')!;
  return { written: int(written.n), owners: int(owners.n) };
}

export function takeTicket(
  sql: Sql,
  { id, uses, expires, now }: { id: string; uses: number; expires: number; now: number },
): boolean {
  sql.run('DELETE FROM ticket WHERE expires < ?', now);
  const text = `INSERT INTO ticket VALUES (?, 1, ?) ON CONFLICT (id) DO UPDATE SET used = used + 1 WHERE used < ?`;
  return sql.run(text, id, expires, uses).changes === 1;
}

export function addFreeze(sql: Sql, freeze: StoredFreeze & { at: number }): boolean {
  const { id, owner, statement, at } = freeze;
  if (sql.get('SELECT 1 FROM freeze WHERE id = ?', id)) return false;
  const count = (text: string, ...values: (string | number)[]) => int(sql.get<{ n: bigint }>(text, ...values)!.n);
  const today = count('SELECT count(*) n FROM freeze WHERE owner = ? AND at > ?', owner, at - DAY_MS);
  const standing = count('SELECT count(*) n FROM freeze WHERE owner = ? AND stands = 1', owner);
  if (today >= MAX_OWNER_FREEZES_PER_DAY || standing >= MAX_STANDING_FREEZES) throw fail('registry.quota', 'freezes');
  sql.run('INSERT INTO freeze VALUES (?, ?, ?, ?, 1)', id, owner, statement, at);
  return true;
}

export function freezes(
  sql: Sql,
  { owner, after, limit }: { owner: string | null; after: string; limit: number },
): StoredFreeze[] {
  const columns = 'SELECT id, owner, jws AS statement FROM freeze';
  return owner === null
    ? sql.all<StoredFreeze>(`${columns} WHERE stands = 1 AND id > ? ORDER BY id LIMIT ?`, after, limit)
    : sql.all<StoredFreeze>(
        `${columns} WHERE owner = ? AND stands = 1 AND id > ? ORDER BY id LIMIT ?`,
        owner,
        after,
        limit,
      );
}
