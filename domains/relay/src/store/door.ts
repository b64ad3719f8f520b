import { int, type Sql } from '@caponier/store/operations';
import { figures, type StoreFigures } from './figures.ts';
import { oneTimeLeft } from './prekeys.ts';
import { makeSlot } from './slots.ts';

/** Operations of the door: who comes, what was tried before, and how full it is. */

export interface Registration {
  readonly device: Uint8Array;
  /** Empty for a service. */
  readonly owner: string;
  /** Devices that the owner may have. */
  readonly most: number;
}

export interface Registered {
  /** True where the device has never proven itself here. */
  readonly isFirst: boolean;
  /** The other owner that it proved itself for before; else null. */
  readonly before: string | null;
  /** One-time prekeys that are here for it. */
  readonly oneTime: number;
}

/** A device that has proven itself gets its slot. Throws `relay.too_many`. Writes nothing where nothing changes. */
export function registerDevice(sql: Sql, args: Registration): Registered {
  makeSlot(sql, args);
  const oneTime = oneTimeLeft(sql, args);
  if (args.owner === '') return { isFirst: false, before: null, oneTime };
  const before = sql.get<{ owner: string }>('SELECT owner FROM devices WHERE device = ?', args.device)?.owner ?? null;
  if (before === args.owner) return { isFirst: false, before: null, oneTime };
  sql.run(
    'INSERT INTO devices (device, owner) VALUES (?, ?) ON CONFLICT DO UPDATE SET owner = excluded.owner',
    args.device,
    args.owner,
  );
  return { isFirst: before === null, before, oneTime };
}

export interface KeptRate {
  readonly kind: string;
  readonly key: Uint8Array;
  readonly tokens: number;
  readonly at: number;
}

/** Rates of one kind in columns, with keys as strings of bytes: a thousand objects would take long to cross to here. */
export interface ChangedRates {
  readonly keys: readonly string[];
  /** Null: full again. */
  readonly tokens: readonly (number | null)[];
  readonly at: readonly number[];
}

export function keepRates(sql: Sql, args: { readonly rates: Readonly<Record<string, ChangedRates>> }): void {
  for (const [kind, { keys, tokens, at }] of Object.entries(args.rates)) {
    for (const [i, name] of keys.entries()) {
      const key = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
      const left = tokens[i]!;
      if (left === null) sql.run('DELETE FROM rates WHERE kind = ? AND key = ?', kind, key);
      else
        sql.run(
          'INSERT INTO rates (kind, key, tokens, at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET tokens = excluded.tokens, at = excluded.at',
          kind,
          key,
          left,
          at[i]!,
        );
    }
  }
}

/** Rates of one kind, the newest first; what is older than `since` (milliseconds) is forgotten: it is full again. */
export function keptRates(
  sql: Sql,
  args: { readonly kind: string; readonly since: number; readonly most: number },
): KeptRate[] {
  sql.run('DELETE FROM rates WHERE kind = ? AND at < ?', args.kind, args.since);
  return sql
    .all<{ key: Uint8Array; tokens: number; at: bigint }>(
      'SELECT key, tokens, at FROM rates WHERE kind = ? ORDER BY at DESC LIMIT ?',
      args.kind,
      args.most,
    )
    .map(({ key, tokens, at }) => ({ kind: args.kind, key, tokens, at: int(at) }));
}

export interface Fullness extends StoreFigures {
  /** Pages of the database in use, and at most. */
  readonly pages: number;
  readonly mostPages: number;
}

/** How full the database is. Asked of the connection that writes: only that one knows the most. */
export function fullness(sql: Sql): Fullness {
  const row = sql.get<Record<'pages' | 'free' | 'most', bigint>>(
    `SELECT (SELECT page_count FROM pragma_page_count) AS pages, (SELECT freelist_count FROM pragma_freelist_count) AS free,
       (SELECT max_page_count FROM pragma_max_page_count) AS most`,
  )!;
  return { ...figures(sql), pages: int(row.pages) - int(row.free), mostPages: int(row.most) };
}

/** Reads one row: whoever gets an answer knows that the store answers. */
export function answers(sql: Sql): boolean {
  return sql.get('SELECT 1 AS one FROM owners LIMIT 1') !== undefined;
}
