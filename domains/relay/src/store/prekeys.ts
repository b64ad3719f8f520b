import { fail } from '@caponier/protocol/errors';
import { int, type Sql } from '@caponier/store/operations';
import { isAllowed } from './contacts.ts';
import { isFamily } from './slots.ts';

/** Operations on prekeys: one-time ones leave once, to contacts, few an hour; the last-resort one stays. */

const HOUR_MS = 3_600_000;

export interface OfferPrekeys {
  readonly device: Uint8Array;
  readonly offers: readonly { readonly id: string; readonly jws: string; readonly oneTime: boolean }[];
  readonly most: number;
}

/** Throws `relay.too_many`. An offer that is there, or was handed out, is not taken in again. */
export function offerPrekeys(sql: Sql, args: OfferPrekeys): void {
  for (const { id, jws, oneTime } of args.offers) {
    if (!oneTime) sql.run('DELETE FROM prekeys WHERE device = ? AND one_time = 0', args.device);
    sql.run(
      'INSERT INTO prekeys (device, id, one_time, jws) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      args.device,
      id,
      oneTime ? 1 : 0,
      jws,
    );
  }
  if (oneTimeLeft(sql, args) > args.most) throw fail('relay.too_many', 'prekeys');
}

/** One-time prekeys that are still here for a device. */
export function oneTimeLeft(sql: Sql, args: { device: Uint8Array }): number {
  const row = sql.get<{ n: bigint }>(
    'SELECT count(*) AS n FROM prekeys WHERE device = ? AND one_time = 1 AND spent IS NULL',
    args.device,
  );
  return int(row!.n);
}

export interface FetchPrekeys {
  readonly device: Uint8Array;
  readonly sender: Uint8Array;
  readonly senderOwner: Uint8Array | null;
  /** The owner that sender and device share, as far as the sender's owner says; null where they share none. */
  readonly family: string | null;
  /** True where the device's owner names the sender as one of its services. */
  readonly serves: boolean;
  readonly now: number;
  readonly perHour: number;
}

export interface FetchedPrekeys {
  /** One prekeys statement; empty where there is none. */
  readonly statement: string;
  /** True where the peer has had as many one-time ones as it may. */
  readonly isLimited: boolean;
}

export function fetchPrekeys(sql: Sql, args: FetchPrekeys): FetchedPrekeys {
  const family = isFamily(sql, args.device, args.family);
  const oneTime = family || args.serves || isAllowed(sql, args) ? takeOneTime(sql, args, family) : null;
  if (oneTime !== null && oneTime !== 'limited') return { statement: oneTime.jws, isLimited: false };
  const last = sql.get<{ jws: string }>('SELECT jws FROM prekeys WHERE device = ? AND one_time = 0', args.device);
  return { statement: last?.jws ?? '', isLimited: oneTime === 'limited' };
}

function takeOneTime(sql: Sql, args: FetchPrekeys, family: boolean): { readonly jws: string } | 'limited' | null {
  // Another owner counts as one peer, however many devices it enrols; a sibling counts by itself.
  const peer = family || !args.senderOwner ? args.sender : args.senderOwner;
  const count = sql.get<{ n: bigint }>(
    'SELECT count(*) AS n FROM handed WHERE device = ? AND peer = ? AND at > ?',
    args.device,
    peer,
    args.now - HOUR_MS,
  );
  if (int(count!.n) >= args.perHour) return 'limited';
  const row = sql.get<{ id: string; jws: string }>(
    'SELECT id, jws FROM prekeys WHERE device = ? AND one_time = 1 AND spent IS NULL ORDER BY rowid LIMIT 1',
    args.device,
  );
  if (!row) return null;
  // Its name is remembered, so that it is not taken in again; what it said would fill the disk.
  sql.run("UPDATE prekeys SET spent = ?, jws = '' WHERE device = ? AND id = ?", args.now, args.device, row.id);
  sql.run('INSERT INTO handed (device, peer, at) VALUES (?, ?, ?)', args.device, peer, args.now);
  return row;
}
