import type { Verdict } from '@caponier/protocol';
import { fail } from '@caponier/protocol/errors';
import { int, type Sql } from '@caponier/store/operations';

/** Operations on a device's own list of who may reach it. Its family and its services need no place on it. */

/** True where the recipient has allowed this owner or this device, and blocked neither. */
export function isAllowed(
  sql: Sql,
  args: { device: Uint8Array; sender: Uint8Array; senderOwner: Uint8Array | null },
): boolean {
  const row = sql.get<{ device: bigint | null; owner: bigint | null }>(
    `SELECT (SELECT blocked FROM contacts WHERE device = ?1 AND kind = 1 AND id = ?2) AS device,
       (SELECT blocked FROM contacts WHERE device = ?1 AND kind = 0 AND id = ?3) AS owner`,
    args.device,
    args.sender,
    args.senderOwner,
  )!;
  return (row.device === 0n || row.owner === 0n) && row.device !== 1n && row.owner !== 1n;
}

/**
 * What a device says of an owner (kind 0) or a device (kind 1). A block takes along what waits from there, but for mail
 * that needed no place on the list. Throws `relay.too_many`.
 */
export function judgeContact(
  sql: Sql,
  args: { device: Uint8Array; kind: 0 | 1; id: Uint8Array; verdict: Verdict; most: number },
): void {
  const { device, kind, id, verdict, most } = args;
  if (verdict === 'forget') {
    sql.run('DELETE FROM contacts WHERE device = ? AND kind = ? AND id = ?', device, kind, id);
    return;
  }
  sql.run(
    'INSERT INTO contacts (device, kind, id, blocked) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET blocked = excluded.blocked',
    device,
    kind,
    id,
    verdict === 'block' ? 1 : 0,
  );
  const count = sql.get<{ n: bigint }>('SELECT count(*) AS n FROM contacts WHERE device = ?', device);
  if (int(count!.n) > most) throw fail('relay.too_many', 'contacts');
  if (verdict !== 'block') return;
  if (kind === 1) sql.run('DELETE FROM mail WHERE recipient = ? AND sender = ? AND contact = 1', device, id);
  else sql.run('DELETE FROM mail WHERE recipient = ? AND sender_owner = ? AND contact = 1', device, id);
}
