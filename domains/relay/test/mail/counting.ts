import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RelayMeter } from '../../src/index.ts';

/** A meter that remembers, as `counter value`. */
export function countingMeter(): RelayMeter & { readonly counts: Map<string, number> } {
  const counts = new Map<string, number>();
  return {
    counts,
    add: (counter, value, by = 1) => counts.set(`${counter} ${value}`, (counts.get(`${counter} ${value}`) ?? 0) + by),
    time() {},
  };
}

/** Every counter that is kept of waiting mail, or of newcomers, which is not what the rows say. */
export function wrongCounters(folder: string): unknown[] {
  const db = new DatabaseSync(join(folder, 'relay.db'), { readOnly: true });
  try {
    return [
      `SELECT 'newcomers' AS what, bytes FROM newcomer_room WHERE bytes <> (SELECT coalesce(sum(room), 0) FROM newcomers)`,
      `SELECT 'slot' AS what, hex(device) AS who, pending, bytes, contact_mails, contact_bytes, next FROM slots s WHERE
         pending <> (SELECT count(*) FROM mail WHERE recipient = s.device)
         OR bytes <> (SELECT coalesce(sum(length(body)), 0) FROM mail WHERE recipient = s.device)
         OR contact_mails <> (SELECT count(*) FROM mail WHERE recipient = s.device AND contact = 1)
         OR contact_bytes <> (SELECT coalesce(sum(length(body)), 0) FROM mail WHERE recipient = s.device AND contact = 1)
         OR next <= (SELECT coalesce(max(seq), 0) FROM mail WHERE recipient = s.device)`,
      `SELECT 'box' AS what, b.* FROM boxes b WHERE bytes <>
         (SELECT coalesce(sum(length(body)), 0) FROM mail JOIN slots ON device = recipient WHERE slots.owner = b.owner)`,
      `SELECT 'box missing' AS what, owner FROM slots WHERE bytes > 0 AND owner NOT IN (SELECT owner FROM boxes)`,
      `WITH rows AS (
         SELECT recipient, sender AS party, length(body) AS size FROM mail WHERE contact = 1
         UNION ALL SELECT X'', sender, length(body) FROM mail WHERE contact = 1
         UNION ALL SELECT recipient, sender_owner, length(body) FROM mail WHERE contact = 1 AND sender_owner IS NOT NULL
         UNION ALL SELECT X'', sender_owner, length(body) FROM mail WHERE contact = 1 AND sender_owner IS NOT NULL),
       sums AS (SELECT recipient, party, count(*) AS mails, sum(size) AS bytes FROM rows GROUP BY recipient, party)
       SELECT 'held' AS what, * FROM (SELECT * FROM held EXCEPT SELECT * FROM sums)
       UNION ALL SELECT 'held missing', * FROM (SELECT * FROM sums EXCEPT SELECT * FROM held)`,
    ].flatMap((query) => db.prepare(query).all());
  } finally {
    db.close();
  }
}
