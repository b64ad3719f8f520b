import { crypto } from '@caponier/crypto';
import type { Verdict } from '@caponier/protocol';
import { fail } from '@caponier/protocol/errors';
import { int, type Sql } from '@caponier/store/operations';

/** Operations on mail. Each runs in one transaction: permission, quota, number and message stand or fall together. */

export interface TakeMail {
  readonly sender: Uint8Array;
  /** The sender's owner as 32 bytes; null for a service. */
  readonly senderOwner: Uint8Array | null;
  readonly recipient: Uint8Array;
  /** The owner under whom a slot may be made for the recipient, because the sender's own owner enrolled it; else null. */
  readonly family: string | null;
  /** True where the recipient's owner names the sender as one of its services. */
  readonly serves: boolean;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
  /** Milliseconds. */
  readonly now: number;
  readonly pendingMail: number;
  readonly pendingMailBytes: number;
  readonly ownerMailBytes: number;
  readonly devicesPerOwner: number;
}

/** The number given to the message; null for one that was taken before. */
export function takeMail(sql: Sql, args: TakeMail): { seq: number | null } {
  const { sender, recipient, id, body } = args;
  // Without permission nothing below is looked at: a stranger learns neither quota nor existence.
  const family = isFamily(sql, recipient, args.family);
  if (!family && !args.serves && !isAllowed(sql, { device: recipient, ...args })) {
    throw fail('relay.not_reachable', 'not allowed');
  }
  const digest = crypto.sha256(recipient, body);
  const before = sql.get<{ digest: Uint8Array }>('SELECT digest FROM taken WHERE sender = ? AND id = ?', sender, id);
  if (before) {
    if (!crypto.equal(before.digest, digest)) throw fail('relay.id_reused');
    return { seq: null };
  }
  if (family) makeSlot(sql, { device: recipient, owner: args.family!, most: args.devicesPerOwner });
  if (!hasRoom(sql, args)) throw fail('relay.mailbox_full', 'all devices of the owner');
  const slot = sql.get<{ next: bigint }>(
    'UPDATE slots SET next = next + 1, pending = pending + 1, bytes = bytes + ?2 WHERE device = ?1 AND pending < ?3 AND bytes + ?2 <= ?4 RETURNING next',
    recipient,
    body.length,
    args.pendingMail,
    args.pendingMailBytes,
  );
  if (!slot) throw fail('relay.mailbox_full');
  const seq = int(slot.next) - 1;
  sql.run(
    'INSERT INTO mail (recipient, seq, sender, id, body) VALUES (?, ?, ?, ?, ?)',
    recipient,
    seq,
    sender,
    id,
    body,
  );
  sql.run('INSERT INTO taken (sender, id, digest, at) VALUES (?, ?, ?, ?)', sender, id, digest, args.now);
  return { seq };
}

/** Devices cost an owner nothing, so what waits for all of them together is bounded, too. */
function hasRoom(sql: Sql, { recipient, body, ownerMailBytes }: TakeMail): boolean {
  const { bytes } = sql.get<{ bytes: bigint }>(
    'SELECT coalesce(sum(bytes), 0) AS bytes FROM slots WHERE owner = (SELECT owner FROM slots WHERE device = ?)',
    recipient,
  )!;
  return int(bytes) + body.length <= ownerMailBytes;
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
  const count = sql.get<{ n: bigint }>('SELECT count(*) AS n FROM slots WHERE owner = ?', args.owner);
  if (int(count!.n) >= args.most) throw fail('relay.too_many', 'devices of one owner');
  sql.run(
    'INSERT INTO slots (device, owner, next, acked, pending, bytes) VALUES (?, ?, 1, 0, 0, 0)',
    args.device,
    args.owner,
  );
}

/** Forgets a device of this owner: its mail, its contacts, its prekeys. */
export function dropSlot(sql: Sql, args: { device: Uint8Array; owner: string }): void {
  sql.run('DELETE FROM slots WHERE device = ? AND owner = ?', args.device, args.owner);
}

export interface Waiting {
  readonly seq: number;
  readonly sender: Uint8Array;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
}

/** Mail after `after`, in order, at most `most` messages and (but for the first) `bytes` bytes. */
export function mailAfter(
  sql: Sql,
  args: { device: Uint8Array; after: number; most: number; bytes: number },
): { mail: Waiting[]; acked: number } {
  const slot = sql.get<{ acked: bigint }>('SELECT acked FROM slots WHERE device = ?', args.device);
  const acked = slot ? int(slot.acked) : 0;
  const mail: Waiting[] = [];
  let after = Math.max(args.after, acked);
  let bytes = 0;
  while (mail.length < args.most) {
    const row = sql.get<{ seq: bigint; sender: Uint8Array; id: Uint8Array; body: Uint8Array }>(
      'SELECT seq, sender, id, body FROM mail WHERE recipient = ? AND seq > ? ORDER BY seq LIMIT 1',
      args.device,
      after,
    );
    if (!row) break;
    bytes += row.body.length;
    if (bytes > args.bytes && mail.length > 0) break;
    after = int(row.seq);
    mail.push({ seq: after, sender: row.sender, id: row.id, body: row.body });
  }
  return { mail, acked };
}

/** Deletes mail up to and including `seq`. */
export function ackMail(sql: Sql, args: { device: Uint8Array; seq: number }): void {
  const sum = sql.get<{ n: bigint; bytes: bigint }>(
    'SELECT count(*) AS n, coalesce(sum(length(body)), 0) AS bytes FROM mail WHERE recipient = ? AND seq <= ?',
    args.device,
    args.seq,
  );
  sql.run('DELETE FROM mail WHERE recipient = ? AND seq <= ?', args.device, args.seq);
  sql.run(
    'UPDATE slots SET acked = max(acked, ?), pending = pending - ?, bytes = bytes - ? WHERE device = ?',
    args.seq,
    int(sum!.n),
    int(sum!.bytes),
    args.device,
  );
}

/** True where the recipient has allowed this owner or this device, and blocked neither. */
export function isAllowed(
  sql: Sql,
  args: { device: Uint8Array; sender: Uint8Array; senderOwner: Uint8Array | null },
): boolean {
  const row = sql.get<{ blocked: bigint | null }>(
    'SELECT max(blocked) AS blocked FROM contacts WHERE device = ?1 AND ((kind = 1 AND id = ?2) OR (kind = 0 AND id = ?3))',
    args.device,
    args.sender,
    args.senderOwner,
  );
  return row?.blocked === 0n;
}

/** What a device says of an owner (kind 0) or a device (kind 1). Throws `relay.too_many`. */
export function judgeContact(
  sql: Sql,
  args: { device: Uint8Array; kind: 0 | 1; id: Uint8Array; verdict: Verdict; most: number },
): void {
  if (args.verdict === 'forget') {
    sql.run('DELETE FROM contacts WHERE device = ? AND kind = ? AND id = ?', args.device, args.kind, args.id);
    return;
  }
  sql.run(
    'INSERT INTO contacts (device, kind, id, blocked) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET blocked = excluded.blocked',
    args.device,
    args.kind,
    args.id,
    args.verdict === 'block' ? 1 : 0,
  );
  const count = sql.get<{ n: bigint }>('SELECT count(*) AS n FROM contacts WHERE device = ?', args.device);
  if (int(count!.n) > args.most) throw fail('relay.too_many', 'contacts');
}

/** The owner a device's slot stands under. */
export function ownerOfSlot(sql: Sql, args: { device: Uint8Array }): string | null {
  return sql.get<{ owner: string }>('SELECT owner FROM slots WHERE device = ?', args.device)?.owner ?? null;
}
