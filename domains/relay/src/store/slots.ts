import { fail } from '@caponier/protocol/errors';
import { int, type Sql } from '@caponier/store/operations';

/** Operations on slots: what is kept for one device, under the owner it stands under. */

/** The owner a device's slot stands under. */
export function ownerOfSlot(sql: Sql, args: { device: Uint8Array }): string | null {
  return sql.get<{ owner: string }>('SELECT owner FROM slots WHERE device = ?', args.device)?.owner ?? null;
}

/**
 * Whether a device is of this owner. An owner may enrol any key, also one that is somebody else's device: so where the
 * device has spoken for itself (its `hello` made the slot), that decides, and enrolment counts for a new device only.
 */
export function isFamily(sql: Sql, device: Uint8Array, owner: string | null): boolean {
  if (owner === null) return false;
  const slot = ownerOfSlot(sql, { device });
  return slot === null || slot === owner;
}

/** Makes sure that a device has a slot under this owner. Throws `relay.too_many` when the owner has as many as one may. */
export function makeSlot(sql: Sql, args: { device: Uint8Array; owner: string; most: number }): void {
  const before = ownerOfSlot(sql, args);
  if (before === args.owner) return;
  // A device that changed hands starts empty: what waited was for its former owner.
  if (before !== null) dropSlot(sql, { device: args.device, owner: before });
  if (!addSlot(sql, args)) throw fail('relay.too_many', 'devices of one owner');
}

/** Makes a slot where there is none; false when the owner has as many as one may. */
export function addSlot(sql: Sql, args: { device: Uint8Array; owner: string; most: number }): boolean {
  const count = sql.get<{ n: bigint }>('SELECT count(*) AS n FROM slots WHERE owner = ?', args.owner);
  if (int(count!.n) >= args.most) return false;
  sql.run(
    'INSERT INTO slots (device, owner, next, acked, pending, bytes) VALUES (?, ?, 1, 0, 0, 0)',
    args.device,
    args.owner,
  );
  return true;
}

/** Forgets a device of this owner: its mail, its contacts, its prekeys. */
export function dropSlot(sql: Sql, args: { device: Uint8Array; owner: string }): void {
  // Mail by itself and first: what counts it looks at the slot.
  sql.run(
    'DELETE FROM mail WHERE recipient = (SELECT device FROM slots WHERE device = ? AND owner = ?)',
    args.device,
    args.owner,
  );
  sql.run('DELETE FROM slots WHERE device = ? AND owner = ?', args.device, args.owner);
}
