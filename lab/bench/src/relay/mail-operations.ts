import type { Sql } from '@caponier/store';

/** What the relay writes for one message, and nothing of what it asks before. */
export function putMail(
  sql: Sql,
  args: {
    recipient: Uint8Array;
    sender: Uint8Array;
    id: Uint8Array;
    digest: Uint8Array;
    body: Uint8Array;
    now: number;
  },
): void {
  const { recipient, sender, id, digest, body, now } = args;
  const slot = sql.get<{ next: bigint }>('SELECT next FROM slots WHERE device = ?', recipient)!;
  sql.run(
    'INSERT INTO mail (recipient, seq, sender, sender_owner, contact, expires, size, id, body) VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)',
    recipient,
    Number(slot.next),
    sender,
    sender,
    now + 86_400_000,
    body.length,
    id,
    body,
  );
  sql.run('INSERT INTO taken (sender, id, digest, at) VALUES (?, ?, ?, ?)', sender, id, digest, now);
}

export function putSlot(sql: Sql, args: { device: Uint8Array; owner: string }): void {
  sql.run(
    'INSERT INTO slots (device, owner, next, acked, pending, bytes) VALUES (?, ?, 1, 0, 0, 0)',
    args.device,
    args.owner,
  );
}
