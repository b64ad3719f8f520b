import { hash } from 'node:crypto';
import type { Did } from '@caponier/protocol';
import { fail } from '@caponier/protocol/errors';
import { eventHash, firstPrev } from '@caponier/protocol/event';
import {
  EVENT_SALT_BYTES,
  type EventLog,
  type EventPlace,
  MAX_EVENT_BODY,
  MAX_EVENTS_READ,
  type NewEvent,
  type StoredEvent,
} from '../ports/event-log.ts';
import type { Database } from './database.ts';
import type { Migrations } from './migrations.ts';
import { int, type Sql } from './sql.ts';

export const eventLogTables: Migrations = {
  name: 'event-log',
  steps: [
    `CREATE TABLE events (
       service TEXT NOT NULL, idx INTEGER NOT NULL, at INTEGER NOT NULL,
       prev BLOB NOT NULL, digest BLOB NOT NULL, hash BLOB NOT NULL, salt BLOB, body BLOB, leaf INTEGER,
       PRIMARY KEY (service, idx)
     ) STRICT;
     CREATE INDEX events_unpublished ON events (service, idx) WHERE leaf IS NULL;`,
  ],
};

interface PlaceRow {
  idx: bigint;
  prev: Uint8Array;
  hash: Uint8Array;
}

interface EventRow extends PlaceRow {
  at: bigint;
  digest: Uint8Array;
  salt: Uint8Array | null;
  body: Uint8Array | null;
  leaf: bigint | null;
}

const place = ({ idx, prev, hash }: PlaceRow): EventPlace => ({ index: int(idx), prev, hash });
const bounded = (limit: number) => Math.max(0, Math.min(limit, MAX_EVENTS_READ));

function digestOf(salt: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(salt.length + body.length);
  bytes.set(salt);
  bytes.set(body, salt.length);
  return new Uint8Array(hash('sha256', bytes, 'buffer'));
}

/** The newest event of a chain, inside an operation. */
export function eventHead(sql: Sql, args: { service: Did }): EventPlace | undefined {
  const row = sql.get<PlaceRow>(
    'SELECT idx, prev, hash FROM events WHERE service = ? ORDER BY idx DESC LIMIT 1',
    args.service,
  );
  return row && place(row);
}

/** Appends to the chain, inside an operation: in one transaction with whatever else that operation writes. */
export function appendEvent(sql: Sql, event: NewEvent): EventPlace {
  if (event.body.length > MAX_EVENT_BODY) throw fail('statement.too_large', 'event body');
  if (event.salt.length !== EVENT_SALT_BYTES) throw fail('host.internal', 'event salt');
  const last = eventHead(sql, event);
  const index = last ? last.index + 1 : 0;
  const prev = last ? last.hash : firstPrev(event.service);
  const digest = digestOf(event.salt, event.body);
  const hash = eventHash(index, prev, digest);
  sql.run(
    'INSERT INTO events (service, idx, at, prev, digest, hash, salt, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    event.service,
    index,
    event.at,
    prev,
    digest,
    hash,
    event.salt,
    event.body,
  );
  return { index, prev, hash };
}

export function readEvents(sql: Sql, args: { service: Did; from: number; limit: number }): StoredEvent[] {
  return sql
    .all<EventRow>(
      'SELECT * FROM events WHERE service = ? AND idx >= ? ORDER BY idx LIMIT ?',
      args.service,
      args.from,
      bounded(args.limit),
    )
    .map((row) => ({
      ...place(row),
      at: int(row.at),
      digest: row.digest,
      salt: row.salt,
      body: row.body,
      leaf: row.leaf === null ? null : int(row.leaf),
    }));
}

export function unpublishedEvents(sql: Sql, args: { service: Did; limit: number }): EventPlace[] {
  return sql
    .all<PlaceRow>(
      'SELECT idx, prev, hash FROM events WHERE service = ? AND leaf IS NULL ORDER BY idx LIMIT ?',
      args.service,
      bounded(args.limit),
    )
    .map(place);
}

export function publishedEvents(
  sql: Sql,
  args: { service: Did; leaves: readonly { index: number; leaf: number }[] },
): void {
  for (const { index, leaf } of args.leaves) {
    const { changes } = sql.run(
      'UPDATE events SET leaf = ? WHERE service = ? AND idx = ? AND (leaf IS NULL OR leaf = ?)',
      leaf,
      args.service,
      index,
      leaf,
    );
    if (changes === 0) throw fail('log.forked', `event ${index} has another leaf than ${leaf}`);
  }
}

export function redactEvent(sql: Sql, args: { service: Did; index: number }): boolean {
  const text = 'UPDATE events SET salt = NULL, body = NULL WHERE service = ? AND idx = ?';
  return sql.run(text, args.service, args.index).changes === 1;
}

export function checkEvents(sql: Sql, args: { service: Did; from: number; limit: number }): number {
  const before = args.from > 0 ? readEvents(sql, { ...args, from: args.from - 1, limit: 1 })[0] : undefined;
  if (args.from > 0 && before?.index !== args.from - 1) throw fail('store.damaged', `no event ${args.from - 1}`);
  let prev = before ? before.hash : firstPrev(args.service);
  let index = args.from;
  for (const event of readEvents(sql, args)) {
    const digest = event.salt && event.body ? digestOf(event.salt, event.body) : event.digest;
    const fits =
      event.index === index &&
      same(event.prev, prev) &&
      same(event.digest, digest) &&
      same(event.hash, eventHash(index, prev, digest));
    if (!fits) throw fail('store.damaged', `event ${index} does not fit its chain`);
    prev = event.hash;
    index++;
  }
  return index;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** What a database's operations module must export for `createEventLog`. */
export interface EventLogOperations {
  appendEvent: typeof appendEvent;
  eventHead: typeof eventHead;
  readEvents: typeof readEvents;
  unpublishedEvents: typeof unpublishedEvents;
  publishedEvents: typeof publishedEvents;
  redactEvent: typeof redactEvent;
  checkEvents: typeof checkEvents;
}

export function createEventLog<Ops extends EventLogOperations>(database: Database<Ops>): EventLog {
  const db = database as unknown as Database<EventLogOperations>;
  return {
    append: (event) => db.run('appendEvent', event),
    head: (service) => db.read('eventHead', { service }),
    read: (query) => db.read('readEvents', query),
    unpublished: (query) => db.read('unpublishedEvents', query),
    published: (args) => db.run('publishedEvents', args),
    redact: (args) => db.run('redactEvent', args),
    check: (query) => db.read('checkEvents', query),
  };
}
