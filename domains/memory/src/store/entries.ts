import { fail } from '@caponier/protocol/errors';
import { int, type Sql } from '@caponier/store/operations';

/** Entries one owner may have. */
export const MAX_ENTRIES = 10_000;

/** Versions kept of one entry; above it the oldest is dropped. */
export const MAX_VERSIONS = 100;

/** Entries in one answer of `list` or `search`. */
export const MAX_LISTED = 200;

/** Where a text came from, as the checked use says it. */
export interface Provenance {
  /** The agent's name, or the device where it asked for its person. */
  readonly by: string;
  readonly device: string;
  /** Ids of the verified statements. */
  readonly permit: string;
  readonly request: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface Place {
  /** The owner's id. */
  readonly owner: string;
  readonly namespace: string;
  readonly key: string;
}

export interface Entry {
  readonly namespace: string;
  readonly key: string;
  readonly version: number;
  readonly text: string;
  readonly provenance: Provenance;
}

export interface Put extends Place {
  /** The version the writer has seen: 0 where there is none. Null: whatever it is. */
  readonly expected: number | null;
  /** Null deletes: the entry is gone for readers, its versions go too. */
  readonly text: string | null;
  readonly provenance: Provenance;
}

interface Columns {
  readonly namespace: string;
  readonly key: string;
  readonly version: bigint;
  readonly text: string;
  readonly by: string;
  readonly device: string;
  readonly permit: string;
  readonly request: string;
  readonly at: bigint;
}

const columns =
  'e.namespace, e.key, v.version, v.text, v."by" AS "by", v.device, v.permit, v.request, v.at FROM entries e JOIN versions v ON v.entry = e.id';

function entryOf(row: Columns): Entry {
  const { by, device, permit, request } = row;
  return {
    namespace: row.namespace,
    key: row.key,
    version: int(row.version),
    text: row.text,
    provenance: { by, device, permit, request, at: int(row.at) },
  };
}

/**
 * Compare and set; yields the new version. Versions go on counting after a deletion, so that a writer who saw the old
 * entry does not overwrite a new one by chance. Throws `memory.version_conflict`, `memory.no_entry`, `memory.full`.
 */
export function putEntry(sql: Sql, put: Put): number {
  const { owner, namespace, key, provenance } = put;
  const found = sql.get<{ id: bigint; version: bigint; live: bigint }>(
    `SELECT e.id, e.version, (v.text IS NOT NULL) AS live FROM entries e
     JOIN versions v ON v.entry = e.id AND v.version = e.version
     WHERE e.owner = ? AND e.namespace = ? AND e.key = ?`,
    owner,
    namespace,
    key,
  );
  const live = found !== undefined && found.live === 1n;
  const current = live ? int(found.version) : 0;
  if (put.text === null && !live) throw fail('memory.no_entry');
  if (put.expected !== null && put.expected !== current) throw fail('memory.version_conflict');
  if (!found) {
    const count = sql.get<{ n: bigint }>('SELECT count(*) AS n FROM entries WHERE owner = ?', owner);
    if (int(count?.n) >= MAX_ENTRIES) throw fail('memory.full', 'entries');
    sql.run('INSERT INTO entries (owner, namespace, key, version) VALUES (?, ?, ?, 0)', owner, namespace, key);
  }
  const version = found ? int(found.version) + 1 : 1;
  const row = sql.get<{ id: bigint }>(
    'UPDATE entries SET version = ? WHERE owner = ? AND namespace = ? AND key = ? RETURNING id',
    version,
    owner,
    namespace,
    key,
  )!;
  const { by, device, permit, request, at } = provenance;
  sql.run(
    'INSERT INTO versions (entry, version, text, "by", device, permit, request, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    row.id,
    version,
    put.text,
    by,
    device,
    permit,
    request,
    at,
  );
  // What was deleted is not kept in its older versions either.
  if (put.text === null) sql.run('DELETE FROM versions WHERE entry = ? AND version < ?', row.id, version);
  else sql.run('DELETE FROM versions WHERE entry = ? AND version <= ?', row.id, version - MAX_VERSIONS);
  sql.run('DELETE FROM words WHERE rowid = ?', row.id);
  if (put.text !== null) sql.run('INSERT INTO words (rowid, key, text) VALUES (?, ?, ?)', row.id, key, put.text);
  return version;
}

/** The newest version, or the one asked for; null where there is none. */
export function getEntry(sql: Sql, query: Place & { version: number | null }): Entry | null {
  const row = sql.get<Columns>(
    `SELECT ${columns} WHERE e.owner = ? AND e.namespace = ? AND e.key = ? AND v.text IS NOT NULL
     AND v.version = coalesce(?, e.version)`,
    query.owner,
    query.namespace,
    query.key,
    query.version,
  );
  return row ? entryOf(row) : null;
}

/** Which entries an answer may hold: those of one owner whose `namespace/key` begins so. */
export interface Scope {
  readonly owner: string;
  readonly prefix: string;
}

const inScope =
  "e.owner = ? AND substr(e.namespace || '/' || e.key, 1, length(?)) = ? AND v.version = e.version AND v.text IS NOT NULL";

/** By name, without their texts. */
export function listEntries(sql: Sql, scope: Scope & { after: string; limit: number }): Omit<Entry, 'text'>[] {
  return sql
    .all<Columns>(
      `SELECT ${columns} WHERE ${inScope} AND e.namespace || '/' || e.key > ? ORDER BY e.namespace || '/' || e.key LIMIT ?`,
      scope.owner,
      scope.prefix,
      scope.prefix,
      scope.after,
      Math.min(scope.limit, MAX_LISTED),
    )
    .map((row) => {
      const { text: _, ...rest } = entryOf(row);
      return rest;
    });
}

/**
 * Full-text search, newest first. Not ranked by how rare a word is: that is counted over the whole index, so the order
 * of one owner's results would tell something about the texts of others.
 */
export function searchEntries(sql: Sql, query: Scope & { match: string; limit: number }): Entry[] {
  return sql
    .all<Columns>(
      `SELECT ${columns} WHERE e.id IN (SELECT rowid FROM words WHERE words MATCH ?) AND ${inScope}
       ORDER BY v.at DESC, e.id DESC LIMIT ?`,
      query.match,
      query.owner,
      query.prefix,
      query.prefix,
      Math.min(query.limit, MAX_LISTED),
    )
    .map(entryOf);
}
