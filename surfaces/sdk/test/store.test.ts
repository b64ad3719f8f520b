import { utf8 } from '@caponier/crypto';
import { describe, expect, test } from 'vitest';
import { headStoreContract } from '../../../foundation/store/test/contract/head-store.ts';
import { memoryKeyValue } from '../src/index.ts';
import { followMemory } from '../src/views/memory.ts';

describe('the store in memory', () => {
  test('puts all changes together, gives copies, lists in order', async () => {
    const store = memoryKeyValue();
    const value = utf8('one');
    await store.put([
      ['b/2', value],
      ['b/1', utf8('first')],
      ['c', utf8('other')],
    ]);
    value.fill(0);
    (await store.get('b/2'))!.fill(0);
    expect(await store.get('b/2')).toEqual(utf8('one'));
    expect((await store.list('b/')).map(([key]) => key)).toEqual(['b/1', 'b/2']);
    expect((await store.list('b/', { after: 'b/1' })).map(([key]) => key)).toEqual(['b/2']);
    expect(await store.list('b/', { limit: 1 })).toHaveLength(1);
    await store.put([
      ['b/1', null],
      ['d', utf8('')],
    ]);
    await store.delete('c', 'nothing');
    expect((await store.list('')).map(([key]) => key)).toEqual(['b/2', 'd']);
    expect(await store.get('b/1')).toBeUndefined();
  });
});

headStoreContract('over a key-value store', async () => {
  const store = memoryKeyValue();
  const make = () => followMemory(store, 'log');
  return { port: make(), reopen: async () => make(), close: async () => {} };
});

test('two followers over one store are kept apart', async () => {
  const store = memoryKeyValue();
  const [full, members] = [followMemory(store, 'full'), followMemory(store, 'members')];
  await full.advance({ log: 'a/owners', from: 0, leaves: [{ leaf: utf8('x'), statement: null, cosigns: [] }] });
  expect(await members.leaves({ log: 'a/owners', from: 0, limit: 9 })).toEqual([]);
});
