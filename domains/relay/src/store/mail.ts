import { crypto } from '@caponier/crypto';
import { int, type Sql } from '@caponier/store/operations';
import { isAllowed } from './contacts.ts';
import { addSlot } from './slots.ts';

/** Operations on mail. Permission, quota, number and message stand or fall together. */

/** One message as it is to be kept. */
export interface Letter {
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
  /** When it is not delivered any more, in milliseconds. */
  readonly expires: number;
}

/** Limits that a message can meet here, by the names of `RelayLimits`. */
export const mailLimitNames = [
  'devicesPerOwner',
  'pendingMail',
  'pendingMailBytes',
  'mailOfContacts',
  'mailBytesOfContacts',
  'ownerMailBytes',
  'senderMail',
  'senderMailBytes',
  'senderMailTogether',
  'senderMailBytesTogether',
  'contactMail',
  'contactMailBytes',
  'contactMailTogether',
  'contactMailBytesTogether',
] as const;
export type MailLimit = (typeof mailLimitNames)[number];
export type MailLimits = Readonly<Record<MailLimit, number>>;

/** What came of a message: its number; null where it was taken before; the limit it met; or why it is not wanted. */
export type Taken = number | null | MailLimit | 'not_allowed' | 'id_reused';

export interface TakeMail {
  readonly letters: readonly Letter[];
  readonly limits: MailLimits;
  /** Milliseconds. */
  readonly now: number;
}

/** Takes messages, in order, each by itself: one that is refused has written nothing. */
export function takeMail(sql: Sql, { letters, limits, now }: TakeMail): Taken[] {
  return letters.map((letter) => takeOne(sql, letter, limits, now));
}

interface Standing {
  readonly owner: string;
  readonly next: bigint;
  readonly pending: bigint;
  readonly bytes: bigint;
  readonly contact_mails: bigint;
  readonly contact_bytes: bigint;
  readonly owner_bytes: bigint | null;
}

/** What a sender and its owner have waiting, at the recipient and at all. */
interface ContactStanding {
  readonly sender_mails: bigint | null;
  readonly sender_bytes: bigint | null;
  readonly owner_mails: bigint | null;
  readonly owner_bytes: bigint | null;
  readonly sender_all_mails: bigint | null;
  readonly sender_all_bytes: bigint | null;
  readonly owner_all_mails: bigint | null;
  readonly owner_all_bytes: bigint | null;
}

function takeOne(sql: Sql, letter: Letter, limits: MailLimits, now: number): Taken {
  const { sender, senderOwner, recipient, id, body } = letter;
  const slot = standingOf(sql, recipient);
  // Without permission nothing below is looked at: a stranger learns neither quota nor existence. Where a device has
  // spoken for itself (its `hello` made the slot), that decides whose it is; enrolment counts for a new device only.
  const family = letter.family !== null && (slot === undefined || slot.owner === letter.family);
  const own = family || letter.serves;
  if (!own && !isAllowed(sql, { device: recipient, sender, senderOwner })) return 'not_allowed';
  const digest = digestOf(recipient, body);
  const met = slot
    ? (limitMet(slot, body.length, limits, own) ?? (own ? null : contactLimitMet(sql, letter, limits)))
    : makeRoom(sql, letter, limits);
  // What was taken before is accepted again, though there were no room for it now.
  if (met) {
    const before = takenBefore(sql, letter, digest);
    return before === undefined ? met : before;
  }
  const { changes } = sql.run(
    'INSERT INTO taken (sender, id, digest, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    sender,
    id,
    digest,
    now,
  );
  if (changes === 0) return takenBefore(sql, letter, digest)!;
  const seq = slot ? int(slot.next) : 1;
  sql.run(
    'INSERT INTO mail (recipient, seq, sender, sender_owner, contact, expires, size, id, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    recipient,
    seq,
    sender,
    senderOwner,
    own ? 0 : 1,
    letter.expires,
    body.length,
    id,
    body,
  );
  return seq;
}

function standingOf(sql: Sql, recipient: Uint8Array): Standing | undefined {
  return sql.get<Standing>(
    `SELECT s.owner, s.next, s.pending, s.bytes, s.contact_mails, s.contact_bytes, b.bytes AS owner_bytes
     FROM slots s LEFT JOIN boxes b ON b.owner = s.owner WHERE s.device = ?`,
    recipient,
  );
}

/** Of recipient and message, in one piece: hashing pieces costs twice as much. */
function digestOf(recipient: Uint8Array, body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(recipient.length + body.length);
  whole.set(recipient);
  whole.set(body, recipient.length);
  return crypto.sha256(whole);
}

/** Whether so many messages, or these bytes and `more`, are above a limit. */
function isOver(count: bigint | null, most: number, more = 1): boolean {
  return count === null ? more > most : int(count) + more > most;
}

/** A slot for a device that its owner enrolled and that was never here. */
function makeRoom(sql: Sql, { recipient, family, body }: Letter, limits: MailLimits): Taken {
  if (family === null) return 'not_allowed';
  if (!addSlot(sql, { device: recipient, owner: family, most: limits.devicesPerOwner })) return 'devicesPerOwner';
  return limitMet(standingOf(sql, recipient)!, body.length, limits, true);
}

/** What to answer for an id that is known: `null` for the same message. Undefined for one that is new. */
function takenBefore(sql: Sql, { sender, id }: Letter, digest: Uint8Array): null | 'id_reused' | undefined {
  const before = sql.get<{ digest: Uint8Array }>('SELECT digest FROM taken WHERE sender = ? AND id = ?', sender, id);
  if (!before) return undefined;
  return crypto.equal(before.digest, digest) ? null : 'id_reused';
}

/**
 * Threat: whoever may mail a device fills its box, so that nobody else's mail gets in. Measure: devices of other owners
 * together have a share only, each of them and each owner a smaller one; and devices cost an owner nothing, so what waits
 * for all of its own together is bounded, too. What remains: an owner's own devices can crowd each other out.
 */
function limitMet(slot: Standing, size: number, limits: MailLimits, own: boolean): MailLimit | null {
  if (isOver(slot.pending, limits.pendingMail)) return 'pendingMail';
  if (isOver(slot.bytes, limits.pendingMailBytes, size)) return 'pendingMailBytes';
  if (isOver(slot.owner_bytes, limits.ownerMailBytes, size)) return 'ownerMailBytes';
  if (own) return null;
  if (isOver(slot.contact_mails, limits.mailOfContacts)) return 'mailOfContacts';
  if (isOver(slot.contact_bytes, limits.mailBytesOfContacts, size)) return 'mailBytesOfContacts';
  return null;
}

/** A sender's share at all others together; and its owner's, since devices to send from cost nothing either. */
function contactLimitMet(sql: Sql, { recipient, sender, senderOwner, body }: Letter, limits: MailLimits) {
  const held = sql.get<ContactStanding>(
    `SELECT s.mails AS sender_mails, s.bytes AS sender_bytes, o.mails AS owner_mails, o.bytes AS owner_bytes, a.mails AS sender_all_mails, a.bytes AS sender_all_bytes,
       b.mails AS owner_all_mails, b.bytes AS owner_all_bytes
     FROM (SELECT 1) LEFT JOIN held s ON s.recipient = ?1 AND s.party = ?2 LEFT JOIN held o ON o.recipient = ?1 AND o.party = ?3
       LEFT JOIN held a ON a.recipient = X'' AND a.party = ?2 LEFT JOIN held b ON b.recipient = X'' AND b.party = ?3`,
    recipient,
    sender,
    senderOwner,
  )!;
  const size = body.length;
  if (isOver(held.sender_mails, limits.senderMail)) return 'senderMail';
  if (isOver(held.sender_bytes, limits.senderMailBytes, size)) return 'senderMailBytes';
  if (isOver(held.owner_mails, limits.contactMail)) return 'contactMail';
  if (isOver(held.owner_bytes, limits.contactMailBytes, size)) return 'contactMailBytes';
  if (isOver(held.sender_all_mails, limits.senderMailTogether)) return 'senderMailTogether';
  if (isOver(held.sender_all_bytes, limits.senderMailBytesTogether, size)) return 'senderMailBytesTogether';
  if (isOver(held.owner_all_mails, limits.contactMailTogether)) return 'contactMailTogether';
  if (isOver(held.owner_all_bytes, limits.contactMailBytesTogether, size)) return 'contactMailBytesTogether';
  return null;
}

export interface Waiting {
  readonly seq: number;
  readonly sender: Uint8Array;
  readonly id: Uint8Array;
  readonly body: Uint8Array;
}

/** Mail after `after` that is not too old, in order, at most `most` messages and (but for the first) `bytes` bytes. */
export function mailAfter(
  sql: Sql,
  args: { device: Uint8Array; after: number; most: number; bytes: number; now: number },
): { mail: Waiting[]; acked: number } {
  const slot = sql.get<{ acked: bigint }>('SELECT acked FROM slots WHERE device = ?', args.device);
  const acked = slot ? int(slot.acked) : 0;
  const mail: Waiting[] = [];
  let after = Math.max(args.after, acked);
  let bytes = 0;
  while (mail.length < args.most) {
    const row = sql.get<{ seq: bigint; sender: Uint8Array; id: Uint8Array; body: Uint8Array }>(
      'SELECT seq, sender, id, body FROM mail WHERE recipient = ? AND seq > ? AND expires > ? ORDER BY seq LIMIT 1',
      args.device,
      after,
      args.now,
    );
    if (!row) break;
    bytes += row.body.length;
    if (bytes > args.bytes && mail.length > 0) break;
    after = int(row.seq);
    mail.push({ seq: after, sender: row.sender, id: row.id, body: row.body });
  }
  return { mail, acked };
}

/** Deletes mail up to and including `seq`; yields how many. */
export function ackMail(sql: Sql, args: { device: Uint8Array; seq: number }): number {
  const { changes } = sql.run('DELETE FROM mail WHERE recipient = ? AND seq <= ?', args.device, args.seq);
  sql.run('UPDATE slots SET acked = max(acked, ?) WHERE device = ?', args.seq, args.device);
  return changes;
}

/**
 * Deletes mail that has waited too long, at most `most`. Yields how many, and the share of the most pages that are in
 * use: only the connection that writes knows how many it may have.
 */
export function tidyMail(sql: Sql, args: { now: number; most: number }): { expired: number; share: number } {
  const { changes } = sql.run(
    'DELETE FROM mail WHERE rowid IN (SELECT rowid FROM mail WHERE expires <= ? ORDER BY expires LIMIT ?)',
    args.now,
    args.most,
  );
  const pages = (name: string) => int(Object.values(sql.get(`PRAGMA ${name}`)!)[0]);
  const used = pages('page_count') - pages('freelist_count');
  return { expired: changes, share: used / pages('max_page_count') };
}
