import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@caponier/crypto';
import { workerWire } from '@caponier/protocol';
import {
  asDevice,
  makeAgent,
  makeUser,
  presentUse,
  seededRandom,
  type TestAsker,
  type TestOwner,
  type TestUser,
  testGrant,
  testViews,
  useWorker,
} from '@caponier/testkit';
import { usePath } from '@caponier/verify';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMemory, type Memory, openMemory } from '../src/index.ts';

const ops = ['memory.put', 'memory.get', 'memory.search', 'memory.list', 'memory.suggest', 'memory.curate'];
const folder = mkdtempSync(join(tmpdir(), 'caponier-memory-'));
const memoryOwner = (seed: string, of: 'memory' | 'config', beside?: TestOwner) => makeUser(seed, of, ops, beside);

async function start(of: 'memory' | 'config', users: readonly TestUser[], name = of as string): Promise<Memory> {
  const { owner } = users[0]!;
  return createMemory({
    class: of,
    db: await openMemory(join(folder, `${name}.db`)),
    signer: owner.workers[of],
    views: testViews(users.map((user) => user.owner)),
    random: seededRandom(`memory ${name}`),
    clock: owner.clock,
  });
}

type Uses = (op: string, resource: string, body?: unknown) => ReturnType<typeof useWorker>;
const usesOf =
  (memory: Memory, { owner, grant, class: of }: TestUser, asker: TestAsker, under = grant): Uses =>
  (op, resource, body) =>
    useWorker(memory.app, owner, { asker, grant: under, class: of, op: `memory.${op}`, resource, body });
const put = (text: string, expected: number | null = null) => ({ text, expected });
const refused = (code: string) => ({ result: 'refused', code, body: null });
const search = (query: string, limit = 50) => ({ query, limit });
const keysOf = (answer: { body: { entries: { namespace: string; key: string }[] } }) =>
  answer.body.entries.map(({ namespace, key }) => `${namespace}/${key}`);

let ada: TestUser;
let bob: TestUser;
let memory: Memory;
let person: Uses;
let agent: Uses;

beforeAll(async () => {
  ada = await memoryOwner('ada', 'memory');
  bob = await memoryOwner('bob', 'memory', ada.owner);
  memory = await start('memory', [ada, bob]);
  person = usesOf(memory, ada, ada.person);
  agent = usesOf(memory, ada, ada.agent);
});
afterAll(async () => {
  await memory.close();
  rmSync(folder, { recursive: true });
});

describe('an entry', () => {
  it('is put, read and found, and says where it came from', async () => {
    const written = await agent('put', 'notes/deploy', put('Deploy on Fridays with care', 0));
    expect(written).toMatchObject({ result: 'done', body: { version: 1 } });
    const read = await person('get', 'notes/deploy');
    expect(workerWire.MemoryEntry.parse(read.body)).toMatchObject({
      namespace: 'notes',
      key: 'deploy',
      version: 1,
      text: 'Deploy on Fridays with care',
      provenance: {
        by: 'claude@box',
        device: ada.owner.box.did,
        request: written.request,
        at: ada.owner.clock.seconds(),
      },
    });
    expect(keysOf(await agent('search', 'notes/*', search('friday')))).toEqual(['notes/deploy']);
  });

  it('is compared and set', async () => {
    await agent('put', 'notes/cas', put('one', 0));
    expect(await agent('put', 'notes/cas', put('two', 0))).toMatchObject(refused('memory.version_conflict'));
    expect((await agent('put', 'notes/cas', put('two', 1))).body).toEqual({ version: 2 });
    expect((await agent('get', 'notes/cas', { version: 1 })).body.text).toBe('one');
    expect(await agent('get', 'notes/cas', { version: 9 })).toMatchObject(refused('memory.no_entry'));
    expect(await agent('get', 'notes/none')).toMatchObject(refused('memory.no_entry'));
  });

  it('may be as long as a text may be', async () => {
    const text = 'ü'.repeat(64 * 1024);
    await agent('put', 'notes/long', put(text));
    expect((await agent('get', 'notes/long')).body.text).toBe(text);
  });

  it('is listed in pages', async () => {
    for (const key of ['a', 'b', 'c']) await agent('put', `pages/${key}`, put(key));
    const page = async (after: string) => keysOf(await agent('list', 'pages/*', { what: 'entries', after, limit: 2 }));
    expect(await page('')).toEqual(['pages/a', 'pages/b']);
    expect(await page('pages/b')).toEqual(['pages/c']);
  });
});

describe('a search', () => {
  it('sees what the grant covers and no more', async () => {
    await person('put', 'notes/x', put('needle in the notes'));
    await person('put', 'diary/x', put('needle in the diary'));
    const members = testGrant({
      label: 'notes only',
      decides: 'broker',
      ops: ['memory.search', 'memory.list', 'memory.get'],
      resources: ['notes/*'],
    });
    const grant = (await ada.owner.chain.add('grant', members)).statement.id;
    const reader = usesOf(memory, ada, ada.agent, grant);
    expect(keysOf(await reader('search', 'notes/*', search('needle')))).toEqual(['notes/x']);
    for (const wider of ['*', 'diary/*', 'note*', 'notes*']) {
      await expect(reader('search', wider, search('needle'))).rejects.toMatchObject({ code: 'grant.not_covered' });
      await expect(reader('list', wider, { what: 'entries', after: '', limit: 9 })).rejects.toMatchObject({
        code: 'grant.not_covered',
      });
    }
    await expect(reader('get', 'diary/x')).rejects.toMatchObject({ code: 'grant.not_covered' });
    await expect(reader('put', 'notes/x', put('y'))).rejects.toMatchObject({ code: 'grant.not_covered' });
  });

  it('by an agent whose delegation is narrower sees only that', async () => {
    const change = { classes: ['memory'], ops, resources: ['notes/*'] };
    const narrow = usesOf(memory, ada, await makeAgent(ada.owner, { name: 'narrow', change }));
    expect(keysOf(await narrow('search', 'notes/*', search('needle')))).toEqual(['notes/x']);
    await expect(narrow('search', '*', search('needle'))).rejects.toMatchObject({ code: 'request.exceeds_delegation' });
  });

  it('finds nothing of another owner', async () => {
    const his = usesOf(memory, bob, bob.person);
    await his('put', 'notes/his', put('needle of bob'));
    expect(keysOf(await his('search', '*', search('needle')))).toEqual(['notes/his']);
    expect(keysOf(await person('search', '*', search('bob')))).toEqual([]);
    expect(await his('get', 'notes/x')).toMatchObject(refused('memory.no_entry'));
    expect(keysOf(await his('list', '*', { what: 'entries', after: '', limit: 9 }))).toEqual(['notes/his']);
  });

  it('answers with as many entries as fit', async () => {
    for (let i = 0; i < 20; i++) await agent('put', `big/${i}`, put(`bulk ${'x'.repeat(60_000)}`));
    const { body } = await agent('search', 'big/*', search('bulk', 200));
    expect(body.entries.length).toBe(17);
  });
});

describe('a suggestion', () => {
  it('waits for the owner, who alone sees and answers it', async () => {
    const { body } = await agent('suggest', 'notes/better', { text: 'a better text', reason: 'typo' });
    const id = body.suggestion;
    expect(await agent('get', 'notes/better')).toMatchObject(refused('memory.no_entry'));
    const suggestions = { what: 'suggestions', limit: 10 };
    const onlyOwner = refused('worker.owner_only');
    const member = usesOf(memory, ada, asDevice(ada.owner.box));
    expect(await agent('list', '*', suggestions)).toMatchObject(onlyOwner);
    expect(await member('list', '*', suggestions)).toMatchObject(onlyOwner);
    expect(await agent('curate', 'notes/better', { action: 'accept', suggestion: id })).toMatchObject(onlyOwner);
    expect(await member('curate', 'notes/better', { action: 'accept', suggestion: id })).toMatchObject(onlyOwner);
    expect((await person('list', '*', suggestions)).body.suggestions).toMatchObject([
      {
        id,
        namespace: 'notes',
        key: 'better',
        text: 'a better text',
        reason: 'typo',
        provenance: { by: 'claude@box' },
      },
    ]);
    expect((await person('curate', 'notes/better', { action: 'accept', suggestion: id })).body).toEqual({ version: 1 });
    expect((await agent('get', 'notes/better')).body).toMatchObject({
      text: 'a better text',
      provenance: { by: ada.owner.laptop.did },
    });
    const again = { action: 'reject', suggestion: id };
    expect(await person('curate', 'notes/better', again)).toMatchObject(refused('memory.no_suggestion'));
  });

  it('or an entry can be taken away, by the owner', async () => {
    await agent('put', 'notes/away', put('soon gone', 0));
    expect((await person('curate', 'notes/away', { action: 'delete', expected: 1 })).body).toEqual({ version: null });
    expect(await agent('get', 'notes/away')).toMatchObject(refused('memory.no_entry'));
  });
});

describe('the class config', () => {
  let rules: Memory;
  let eve: TestUser;
  const closed = refused('memory.namespace_closed');
  beforeAll(async () => {
    eve = await memoryOwner('eve', 'config');
    rules = await start('config', [eve]);
    await usesOf(rules, eve, eve.person)('put', 'rules/shell', put('never run rm'));
  });
  afterAll(() => rules.close());

  it('is closed to the agents it governs, whatever a grant says', async () => {
    const governed = usesOf(rules, eve, eve.agent);
    expect(await governed('get', 'rules/shell')).toMatchObject(closed);
    expect(await governed('search', '*', search('never'))).toMatchObject(closed);
    expect(await governed('list', '*', { what: 'entries', after: '', limit: 9 })).toMatchObject(closed);
    expect(await governed('put', 'rules/shell', put('always run rm'))).toMatchObject(refused('worker.owner_only'));
    expect((await governed('suggest', 'rules/shell', { text: 'x', reason: '' })).result).toBe('done');
  });

  it('is written by controllers and read by the owner’s devices', async () => {
    const member = usesOf(rules, eve, asDevice(eve.owner.box));
    expect((await member('get', 'rules/shell')).body.text).toBe('never run rm');
    expect(await member('put', 'rules/shell', put('x'))).toMatchObject(refused('worker.owner_only'));
    expect((await usesOf(rules, eve, eve.person)('put', 'rules/shell', put('ask first', 1))).body.version).toBe(2);
  });

  it('has keys and a class of its own', async () => {
    const call = { asker: eve.person, grant: eve.grant, class: 'config', op: 'memory.get', resource: 'rules/shell' };
    const { bytes } = await presentUse(eve.owner, call);
    const response = await memory.app.request(usePath, { method: 'POST', body: new Uint8Array(bytes) });
    expect(response.status).toBeGreaterThanOrEqual(400);
  });
});

describe('bad input', () => {
  it.each<[string, string, unknown, string]>([
    ['put', 'notes/x', undefined, 'memory.bad_entry'],
    ['put', 'notes/x', { text: '', expected: null }, 'memory.bad_entry'],
    ['put', 'notes/x', { text: 'x', expected: -1 }, 'memory.bad_entry'],
    ['put', 'notes/x', { text: 'x', expected: null, owner: 'other' }, 'memory.bad_entry'],
    ['put', 'notes/x', { text: 'x'.repeat(65_537), expected: null }, 'memory.bad_entry'],
    ['get', 'notes/x', { version: 0 }, 'memory.bad_query'],
    ['search', '*', { query: '', limit: 1 }, 'memory.bad_query'],
    ['search', '*', { query: 'x', limit: 0 }, 'memory.bad_query'],
    ['search', '*', { query: 'x', limit: 201 }, 'memory.bad_query'],
    ['list', '*', { what: 'everything', limit: 1 }, 'memory.bad_query'],
    ['suggest', 'notes/x', { text: 'x', reason: 'a\u202eb' }, 'memory.bad_entry'],
    ['curate', 'notes/x', { action: 'accept' }, 'memory.bad_entry'],
  ])('%s %s %j is refused', async (op, resource, body, code) => {
    expect(await person(op, resource, body)).toMatchObject(refused(code));
  });

  it.each(['notes', 'notes/', '/x', 'Notes/x', 'notes/a*', '*', 'notes/*'])(
    '%s is no place of an entry',
    async (resource) => {
      await expect(person('put', resource, put('x'))).rejects.toMatchObject({ code: 'request.wrong_resource' });
    },
  );

  it('of any kind gets an outcome, and never more than was asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('put', 'get', 'search', 'list', 'suggest', 'curate'),
        fc.oneof(fc.json(), fc.string({ unit: 'binary' })),
        async (op, text) => {
          const resource = op === 'search' || op === 'list' ? 'fuzz/*' : 'fuzz/x';
          const call = { asker: ada.person, grant: ada.grant, class: 'memory', op: `memory.${op}`, resource };
          const answer = await useWorker(memory.app, ada.owner, { ...call, bytes: utf8(text) });
          expect(answer.result).toBe('refused');
          expect(answer.code).toMatch(/^memory\./);
        },
      ),
      { numRuns: 60 },
    );
  });
});
