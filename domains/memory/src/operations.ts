import { fromUtf8, type Random, toBase64url, utf8 } from '@caponier/crypto';
import { type ErrorCode, fail, workerWire } from '@caponier/protocol';
import type { CheckedUse } from '@caponier/verify';
import { requireOwner, requirePerson } from './asker.ts';
import type { Entry, Place, Provenance } from './store/entries.ts';
import type { MemoryDatabase } from './store/open.ts';
import { matchOf } from './store/words.ts';

type Class = 'memory' | 'config';

export async function put(use: CheckedUse, of: Class, db: MemoryDatabase, now: number): Promise<Uint8Array> {
  if (of === 'config') requireOwner(use);
  const { text, expected } = parse(workerWire.MemoryPut, use, 'memory.bad_entry');
  const version = await db.run('putEntry', { ...placeOf(use), text, expected, provenance: provenanceOf(use, now) });
  return answer<workerWire.MemoryVersion>({ version });
}

export async function get(use: CheckedUse, of: Class, db: MemoryDatabase): Promise<Uint8Array> {
  if (of === 'config') requirePerson(use);
  const version = use.body === null ? null : parse(workerWire.MemoryGet, use, 'memory.bad_query').version;
  const entry = await db.read('getEntry', { ...placeOf(use), version });
  if (!entry) throw fail('memory.no_entry');
  return answer<workerWire.MemoryEntry>(shown(entry));
}

export async function search(use: CheckedUse, of: Class, db: MemoryDatabase): Promise<Uint8Array> {
  if (of === 'config') requirePerson(use);
  const { query, limit } = parse(workerWire.MemorySearch, use, 'memory.bad_query');
  const entries = await db.read('searchEntries', { ...scopeOf(use), match: matchOf(query), limit });
  return answer<workerWire.MemoryFound>({ entries: withinAnswer(entries.map(shown)) });
}

export async function list(use: CheckedUse, of: Class, db: MemoryDatabase): Promise<Uint8Array> {
  if (of === 'config') requirePerson(use);
  const asked = parse(workerWire.MemoryList, use, 'memory.bad_query');
  const { what, limit } = asked;
  if (what === 'entries') {
    const entries = await db.read('listEntries', { ...scopeOf(use), after: asked.after, limit });
    return answer<workerWire.MemoryListed>({ what, entries: entries.map(shown) });
  }
  requireOwner(use);
  const suggestions = await db.read('listSuggestions', { ...scopeOf(use), limit });
  return answer<workerWire.MemoryListed>({ what, suggestions: withinAnswer(suggestions.map(shown)) });
}

/** Open to agents in both classes: it changes nothing, and says nothing of what is there. */
export async function suggestEntry(
  use: CheckedUse,
  db: MemoryDatabase,
  random: Random,
  now: number,
): Promise<Uint8Array> {
  const { text, reason } = parse(workerWire.MemorySuggest, use, 'memory.bad_entry');
  const id = toBase64url(random(16));
  await db.run('suggest', { ...placeOf(use), id, text, reason, provenance: provenanceOf(use, now) });
  return answer<workerWire.MemorySuggested>({ suggestion: id });
}

export async function curate(use: CheckedUse, db: MemoryDatabase, now: number): Promise<Uint8Array> {
  requireOwner(use);
  const asked = parse(workerWire.MemoryCurate, use, 'memory.bad_entry');
  const place = { ...placeOf(use), provenance: provenanceOf(use, now) };
  if (asked.action === 'delete') {
    await db.run('putEntry', { ...place, text: null, expected: asked.expected });
    return answer<workerWire.MemoryVersion>({ version: null });
  }
  const version = await db.run('answerSuggestion', {
    ...place,
    id: asked.suggestion,
    accept: asked.action === 'accept',
  });
  return answer<workerWire.MemoryVersion>({ version });
}

/** The form of the resource was checked with the use: one namespace, and a key that may hold further slashes. */
function placeOf({ owner, request }: CheckedUse): Place {
  const { resource } = request.payload;
  const slash = resource.indexOf('/');
  return { owner: owner.view.id, namespace: resource.slice(0, slash), key: resource.slice(slash + 1) };
}

function scopeOf({ owner, request }: CheckedUse): { owner: string; prefix: string } {
  return { owner: owner.view.id, prefix: request.payload.resource.slice(0, -1) };
}

/** As the statements say, not as the text does. */
function provenanceOf({ asker, count, permit, request }: CheckedUse, now: number): Provenance {
  return { by: count.agent, device: asker.device, permit: permit.id, request: request.id, at: now };
}

/** The wire counts seconds. */
function shown<T extends { readonly provenance: Provenance }>(entry: T) {
  const { at, device, ...ids } = entry.provenance;
  const provenance = {
    ...ids,
    device: device as workerWire.MemoryEntry['provenance']['device'],
    at: Math.floor(at / 1000),
  };
  return { ...entry, provenance };
}

/** Bytes of texts in one answer: as many whole entries as fit. */
const MAX_ANSWER_TEXT = 1024 * 1024;

function withinAnswer<T extends Pick<Entry, 'text'>>(entries: readonly T[]): T[] {
  let room = MAX_ANSWER_TEXT;
  return entries.filter(({ text }) => {
    room -= utf8(JSON.stringify(text)).length;
    return room >= 0;
  });
}

interface Form<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

function parse<T>(form: Form<T>, { body }: CheckedUse, code: ErrorCode): T {
  let value: unknown;
  try {
    value = body && JSON.parse(fromUtf8(body));
  } catch {
    throw fail(code, 'not JSON');
  }
  const parsed = form.safeParse(value);
  if (!parsed.success) throw fail(code, 'not of its form');
  return parsed.data;
}

const answer = <T>(value: T) => utf8(JSON.stringify(value));
