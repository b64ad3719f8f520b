import { fail } from '@caponier/protocol/errors';
import { int, type Sql } from '@caponier/store/operations';
import { MAX_LISTED, type Place, type Provenance, putEntry, type Scope } from './entries.ts';

/** Suggestions of one owner that may wait for an answer. */
export const MAX_SUGGESTIONS = 500;

export interface Suggestion {
  readonly id: string;
  readonly namespace: string;
  readonly key: string;
  readonly text: string;
  readonly reason: string;
  readonly provenance: Provenance;
}

/** Keeps a suggestion; it changes no entry. Throws `memory.full`. */
export function suggest(
  sql: Sql,
  args: Place & { id: string; text: string; reason: string; provenance: Provenance },
): void {
  const waiting = sql.get<{ n: bigint }>('SELECT count(*) AS n FROM suggestions WHERE owner = ?', args.owner);
  if (int(waiting?.n) >= MAX_SUGGESTIONS) throw fail('memory.full', 'suggestions');
  const { by, device, permit, request, at } = args.provenance;
  sql.run(
    `INSERT INTO suggestions (id, owner, namespace, key, text, reason, "by", device, permit, request, at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    args.id,
    args.owner,
    args.namespace,
    args.key,
    args.text,
    args.reason,
    by,
    device,
    permit,
    request,
    at,
  );
}

interface Columns {
  readonly id: string;
  readonly namespace: string;
  readonly key: string;
  readonly text: string;
  readonly reason: string;
  readonly by: string;
  readonly device: string;
  readonly permit: string;
  readonly request: string;
  readonly at: bigint;
}

function suggestionOf({ id, namespace, key, text, reason, by, device, permit, request, at }: Columns): Suggestion {
  return { id, namespace, key, text, reason, provenance: { by, device, permit, request, at: int(at) } };
}

/** Oldest first. */
export function listSuggestions(sql: Sql, scope: Scope & { limit: number }): Suggestion[] {
  return sql
    .all<Columns>(
      `SELECT * FROM suggestions WHERE owner = ? AND substr(namespace || '/' || key, 1, length(?)) = ?
       ORDER BY at, id LIMIT ?`,
      scope.owner,
      scope.prefix,
      scope.prefix,
      Math.min(scope.limit, MAX_LISTED),
    )
    .map(suggestionOf);
}

/**
 * Takes a suggestion off the list; where accepted, its text becomes the entry's newest version, under the curator's
 * provenance: it was he who wrote it into memory. Yields the new version, or null. Throws `memory.no_suggestion`.
 */
export function answerSuggestion(
  sql: Sql,
  args: Place & { id: string; accept: boolean; provenance: Provenance },
): number | null {
  const row = sql.get<Columns>(
    'DELETE FROM suggestions WHERE id = ? AND owner = ? AND namespace = ? AND key = ? RETURNING *',
    args.id,
    args.owner,
    args.namespace,
    args.key,
  );
  if (!row) throw fail('memory.no_suggestion');
  if (!args.accept) return null;
  const { owner, namespace, key } = args;
  return putEntry(sql, { owner, namespace, key, expected: null, text: row.text, provenance: args.provenance });
}
