import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_VERSIONS, type Provenance } from '../src/store/entries.ts';
import { type MemoryDatabase, openMemory } from '../src/store/open.ts';
import { MAX_SUGGESTIONS } from '../src/store/suggestions.ts';
import { matchOf } from '../src/store/words.ts';

let folder: string;
let db: MemoryDatabase;
let owners = 0;
const newOwner = () => `owner-${owners++}`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'caponier-memory-'));
  db = await openMemory(join(folder, 'memory.db'));
});
afterAll(async () => {
  await db.close();
  rmSync(folder, { recursive: true });
});

const provenance = (at = 1): Provenance => ({ by: 'claude@box', device: 'did', permit: 'p', request: 'r', at });
const put = (owner: string, name: string, text: string | null, expected: number | null = null, at = 1) => {
  const [namespace, key] = name.split('/') as [string, string];
  return db.run('putEntry', { owner, namespace, key, text, expected, provenance: provenance(at) });
};
const get = (owner: string, name: string, version: number | null = null) => {
  const [namespace, key] = name.split('/') as [string, string];
  return db.read('getEntry', { owner, namespace, key, version });
};
const search = async (owner: string, prefix: string, words: string) =>
  (await db.read('searchEntries', { owner, prefix, match: matchOf(words), limit: 50 })).map(
    ({ namespace, key }) => `${namespace}/${key}`,
  );
const conflict = { code: 'memory.version_conflict' };

describe('an entry', () => {
  it('has versions, compared and set', async () => {
    const owner = newOwner();
    expect(await put(owner, 'notes/a', 'one', 0)).toBe(1);
    await expect(put(owner, 'notes/a', 'two', 0)).rejects.toMatchObject(conflict);
    await expect(put(owner, 'notes/a', 'two', 2)).rejects.toMatchObject(conflict);
    await expect(put(owner, 'notes/b', 'two', 1)).rejects.toMatchObject(conflict);
    expect(await put(owner, 'notes/a', 'two', 1, 9)).toBe(2);
    expect(await get(owner, 'notes/a')).toEqual({
      namespace: 'notes',
      key: 'a',
      version: 2,
      text: 'two',
      provenance: provenance(9),
    });
    expect(await get(owner, 'notes/a', 1)).toMatchObject({ version: 1, text: 'one' });
    expect(await get(owner, 'notes/a', 3)).toBeNull();
  });

  it('of two writers who saw the same version goes to one', async () => {
    const owner = newOwner();
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => put(owner, 'n/k', `${i}`, 0)));
    expect(results.filter(({ status }) => status === 'fulfilled').length).toBe(1);
  });

  it('keeps a bounded number of versions', async () => {
    const owner = newOwner();
    for (let i = 0; i < MAX_VERSIONS + 5; i++) await put(owner, 'n/k', `${i}`);
    expect(await get(owner, 'n/k', 5)).toBeNull();
    expect(await get(owner, 'n/k', 6)).toMatchObject({ text: '5' });
  });

  it('once deleted is gone, with its older versions and its words, and its number is not used again', async () => {
    const owner = newOwner();
    await put(owner, 'n/k', 'unforgettable', 0);
    await expect(put(owner, 'n/k', null, 7)).rejects.toMatchObject(conflict);
    await put(owner, 'n/k', null, 1);
    expect(await get(owner, 'n/k')).toBeNull();
    expect(await get(owner, 'n/k', 1)).toBeNull();
    expect(await search(owner, '', 'unforgettable')).toEqual([]);
    await expect(put(owner, 'n/k', null)).rejects.toMatchObject({ code: 'memory.no_entry' });
    expect(await put(owner, 'n/k', 'back', 0)).toBe(3);
  });

  it('once deleted is not in the file either', async () => {
    const path = join(folder, 'deleted.db');
    const other = await openMemory(path);
    const args = { owner: 'o', namespace: 'n', key: 'k', expected: null, provenance: provenance() };
    await other.run('putEntry', { ...args, text: 'zanzibarquux again' });
    await other.run('putEntry', { ...args, text: null });
    await other.close();
    expect(readFileSync(path).includes('zanzibarquux')).toBe(false);
  });
});

describe('search', () => {
  it('finds words, beginnings and other spellings of accents, newest first', async () => {
    const owner = newOwner();
    await put(owner, 'notes/old', 'The deployment of Zürich failed', null, 1);
    await put(owner, 'notes/new', 'deployment notes', null, 2);
    expect(await search(owner, '', 'deployment')).toEqual(['notes/new', 'notes/old']);
    expect(await search(owner, '', 'ZURICH depl')).toEqual(['notes/old']);
    expect(await search(owner, '', 'deployment nothing')).toEqual([]);
    await put(owner, 'notes/new', 'rewritten', null, 3);
    expect(await search(owner, '', 'deployment')).toEqual(['notes/old']);
  });

  it('stays within the owner and the scope asked for', async () => {
    const [owner, other] = [newOwner(), newOwner()];
    await put(owner, 'notes/a', 'shared word');
    await put(owner, 'notes-private/a', 'shared word');
    await put(owner, 'rules/a', 'shared word');
    await put(other, 'notes/a', 'shared word');
    expect(await search(owner, 'notes/', 'shared')).toEqual(['notes/a']);
    expect((await search(owner, '', 'shared')).length).toBe(3);
    expect(await search(other, 'rules/', 'shared')).toEqual([]);
    const listed = await db.read('listEntries', { owner, prefix: 'notes/', after: '', limit: 10 });
    expect(listed.map(({ namespace }) => namespace)).toEqual(['notes']);
    expect(JSON.stringify(listed)).not.toContain('shared word');
  });

  it('takes any text as words, and never as an expression', async () => {
    const owner = newOwner();
    await put(owner, 'notes/a', 'alpha beta');
    for (const query of [
      '" OR alpha',
      'key:alpha',
      'alpha*',
      'NEAR(alpha beta)',
      'alpha AND NOT beta',
      '-alpha',
      '^alpha',
      "alpha'; --",
    ]) {
      await search(owner, '', query);
    }
    expect(await search(owner, '', 'alpha NOT beta')).toEqual([]);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), async (query) => {
        try {
          await search(owner, '', query);
        } catch (error) {
          expect(error).toMatchObject({ code: 'memory.bad_query' });
        }
      }),
      { numRuns: 200 },
    );
  });

  it.each(['', '  ', '"!*()"', 'a '.repeat(17), 'a'.repeat(513)])('refuses %j', (query) => {
    expect(() => matchOf(query)).toThrow(expect.objectContaining({ code: 'memory.bad_query' }));
  });
});

describe('a suggestion', () => {
  const suggest = (owner: string, id: string) =>
    db.run('suggest', { owner, namespace: 'n', key: 'k', id, text: 'better', reason: 'why', provenance: provenance() });
  const answer = (owner: string, id: string, accept: boolean, key = 'k') =>
    db.run('answerSuggestion', { owner, namespace: 'n', key, id, accept, provenance: provenance(5) });
  const none = { code: 'memory.no_suggestion' };

  it('changes nothing until it is accepted', async () => {
    const owner = newOwner();
    await suggest(owner, `${owner}-1`);
    await suggest(owner, `${owner}-2`);
    expect(await get(owner, 'n/k')).toBeNull();
    expect(await search(owner, '', 'better')).toEqual([]);
    expect((await db.read('listSuggestions', { owner, prefix: 'n/', limit: 10 })).map(({ id }) => id)).toEqual([
      `${owner}-1`,
      `${owner}-2`,
    ]);
    expect(await answer(owner, `${owner}-1`, false)).toBeNull();
    expect(await get(owner, 'n/k')).toBeNull();
    expect(await answer(owner, `${owner}-2`, true)).toBe(1);
    expect(await get(owner, 'n/k')).toMatchObject({ text: 'better' });
    await expect(answer(owner, `${owner}-2`, true)).rejects.toMatchObject(none);
  });

  it('is answered by its own owner, in its own place', async () => {
    const owner = newOwner();
    await suggest(owner, `${owner}-1`);
    await expect(answer(newOwner(), `${owner}-1`, true)).rejects.toMatchObject(none);
    await expect(answer(owner, `${owner}-1`, true, 'other')).rejects.toMatchObject(none);
  });

  it('is one of a bounded number', async () => {
    const owner = newOwner();
    const all = await Promise.allSettled(
      Array.from({ length: MAX_SUGGESTIONS + 3 }, (_, i) => suggest(owner, `${owner}-${i}`)),
    );
    const refused = all.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []));
    expect(refused).toEqual(Array(3).fill('memory.full'));
  });
});
