import { fail } from '@caponier/protocol/errors';
import { maxStatementBytes } from '@caponier/protocol/limits';
import { int, type Sql } from '@caponier/store/operations';
import { dropSlot } from './slots.ts';

/** Operations on what is known of owners, and on tickets. */

/** A statement as it is kept. `loose`: it counts without a place in the chain. */
export interface KeptStatement {
  readonly jws: string;
  readonly cosigns: readonly string[];
  readonly loose: boolean;
}

export interface KeptOwner {
  /** When the owner was admitted, in milliseconds. */
  readonly admitted: number;
  readonly byTicket: boolean;
  /** In order. */
  readonly statements: readonly KeptStatement[];
}

/** What is kept of an owner; null for one that was never admitted. */
export function ownerStatements(sql: Sql, args: { owner: string; most: number }): KeptOwner | null {
  const owner = sql.get<{ admitted: bigint; ticketed: bigint }>(
    'SELECT admitted, ticketed FROM owners WHERE owner = ?',
    args.owner,
  );
  if (!owner) return null;
  const statements = sql
    .all<{ jws: string; cosigns: string; loose: bigint }>(
      'SELECT jws, cosigns, loose FROM statements WHERE owner = ? ORDER BY place LIMIT ?',
      args.owner,
      args.most,
    )
    .map(({ jws, cosigns, loose }) => ({
      jws,
      cosigns: cosigns === '' ? [] : cosigns.split(' '),
      loose: loose === 1n,
    }));
  return { admitted: int(owner.admitted), byTicket: owner.ticketed === 1n, statements };
}

export interface KeepOwner {
  readonly owner: string;
  /** All of them: what was kept before is replaced. */
  readonly statements: readonly KeptStatement[];
  /** Bytes of all of them. */
  readonly bytes: number;
  /** Milliseconds; whoever was admitted at `newSince` or before is no newcomer any more. */
  readonly now: number;
  readonly newSince: number;
  /** Owners at all, and of them places that only a ticket opens. */
  readonly mostOwners: number;
  readonly reservedOwners: number;
  /** Bytes of statements that newcomers may have together; null for a new owner that is named by the operator. */
  readonly newcomerStatementBytes: number | null;
  /** Devices (32 bytes each) that are no longer of this owner: their mail, contacts and prekeys go with them. */
  readonly dropped: readonly Uint8Array[];
  /** The ticket that admits a new owner; null where none is needed. */
  readonly ticket: { readonly operator: string; readonly nonce: string; readonly uses: number } | null;
}

/** Limits that an owner can meet here, by the names of `RelayLimits`. */
export type OwnerLimit = 'owners' | 'reservedOwners' | 'newcomerStatementBytes';

/**
 * Remembers an owner's statements; a new owner is admitted by it, and uses its ticket up in the same transaction. Yields the
 * limit that it met, and has written nothing then; else null. Throws `relay.not_admitted` (ticket used up).
 */
export function keepOwner(sql: Sql, args: KeepOwner): OwnerLimit | null {
  const known = sql.get('SELECT 1 AS one FROM owners WHERE owner = ?', args.owner) !== undefined;
  const met = (known ? null : placeMet(sql, args)) ?? shareMet(sql, args, known);
  if (met) return met;
  if (!known) {
    if (args.ticket) useTicket(sql, args.ticket);
    const ticketed = args.ticket ? 1 : 0;
    sql.run('INSERT INTO owners (owner, admitted, ticketed) VALUES (?, ?, ?)', args.owner, args.now, ticketed);
  }
  sql.run('DELETE FROM statements WHERE owner = ?', args.owner);
  args.statements.forEach(({ jws, cosigns, loose }, i) => {
    sql.run(
      'INSERT INTO statements (owner, place, loose, jws, cosigns) VALUES (?, ?, ?, ?, ?)',
      args.owner,
      i,
      loose ? 1 : 0,
      jws,
      cosigns.join(' '),
    );
  });
  for (const device of args.dropped) {
    dropSlot(sql, { device, owner: args.owner });
    sql.run('DELETE FROM devices WHERE device = ? AND owner = ?', device, args.owner);
  }
  return null;
}

function placeMet(sql: Sql, { ticket, mostOwners, reservedOwners }: KeepOwner): OwnerLimit | null {
  const owners = int(sql.get<{ n: bigint }>('SELECT count(*) AS n FROM owners')!.n);
  if (owners < mostOwners - (ticket ? 0 : reservedOwners)) return null;
  return ticket || reservedOwners === 0 ? 'owners' : 'reservedOwners';
}

/**
 * Takes room for a newcomer's statements, where what it has is not enough.
 *
 * Threat: owners cost nothing to make, and each may show a whole bundle: in a day they fill the disk. Measure: newcomers have
 * a share of it together. Each takes room for one statement more than it shows, so that it can still revoke and freeze when
 * others have taken the rest; owners that are no newcomers do not come near it. What remains: who prepares for many days.
 */
function shareMet(sql: Sql, args: KeepOwner, known: boolean): OwnerLimit | null {
  const { owner, bytes, now, newSince, ticket, newcomerStatementBytes: most } = args;
  sql.run('DELETE FROM newcomers WHERE admitted <= ?', newSince);
  const own = sql.get<{ room: bigint }>('SELECT room FROM newcomers WHERE owner = ?', owner);
  const counts = known ? own !== undefined : ticket === null;
  if (!counts || most === null) return null;
  const room = own ? int(own.room) : 0;
  if (bytes <= room) return null;
  const taken = int(sql.get<{ bytes: bigint }>('SELECT bytes FROM newcomer_room')!.bytes);
  const wanted = bytes + maxStatementBytes;
  if (taken - room + wanted > most) return 'newcomerStatementBytes';
  sql.run(
    'INSERT INTO newcomers (owner, admitted, room) VALUES (?, ?, ?) ON CONFLICT (owner) DO UPDATE SET room = excluded.room',
    owner,
    now,
    wanted,
  );
  return null;
}

function useTicket(sql: Sql, { operator, nonce, uses }: NonNullable<KeepOwner['ticket']>): void {
  sql.run('INSERT INTO tickets (operator, nonce, uses) VALUES (?, ?, 0) ON CONFLICT DO NOTHING', operator, nonce);
  const taken = sql.run(
    'UPDATE tickets SET uses = uses + 1 WHERE operator = ? AND nonce = ? AND uses < ?',
    operator,
    nonce,
    uses,
  );
  if (taken.changes === 0) throw fail('relay.not_admitted', 'the ticket is used up');
}

/** Rows forgotten in one go: bounds how long the writer is busy with it. */
const FORGET_ROWS = 10_000;
const DAY_MS = 86_400_000;
/** How long it is remembered that a one-time key was handed out. */
const SPENT_MS = 30 * DAY_MS;

/**
 * Forgets message ids from before `before` (milliseconds), and hand-outs of prekeys that no longer count. Yields how many ids
 * that were, and whether there is more of anything.
 */
export function forgetOld(sql: Sql, args: { before: number; now: number }): { ids: number; hasMore: boolean } {
  const ids = sql.run(
    'DELETE FROM taken WHERE (sender, id) IN (SELECT sender, id FROM taken WHERE at < ? LIMIT ?)',
    args.before,
    FORGET_ROWS,
  );
  const handed = sql.run(
    'DELETE FROM handed WHERE rowid IN (SELECT rowid FROM handed WHERE at < ? LIMIT ?)',
    args.now - DAY_MS,
    FORGET_ROWS,
  );
  const spent = sql.run(
    'DELETE FROM prekeys WHERE rowid IN (SELECT rowid FROM prekeys WHERE spent < ? LIMIT ?)',
    args.now - SPENT_MS,
    FORGET_ROWS,
  );
  const hasMore = [ids, handed, spent].some(({ changes }) => changes === FORGET_ROWS);
  return { ids: ids.changes, hasMore };
}
