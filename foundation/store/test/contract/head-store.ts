import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HeadStore, StoredLeaf } from '../../src/index.ts';
import { type Backend, type OpenBackend, utf8 } from './harness.ts';

const log = 'example.org/owners';
const leaf = (text: string, statement: string | null = `${text}.jws`): StoredLeaf => ({
  leaf: utf8(text),
  statement,
  cosigns: ['c'],
});
const root = (byte: number) => new Uint8Array(32).fill(byte);
const head = (size: number, byte = size, note = `note ${size}`) => ({ size, root: root(byte), note });

export function headStoreContract(name: string, open: OpenBackend<HeadStore>): void {
  describe(`HeadStore contract: ${name}`, () => {
    let backend: Backend<HeadStore>;
    let store: HeadStore;
    beforeEach(async () => {
      backend = await open();
      store = backend.port;
      await store.advance({ log, from: 0, leaves: [leaf('a'), leaf('b', null)], head: head(2) });
    });
    afterEach(() => backend.close());
    const refused = (args: Omit<Parameters<HeadStore['advance']>[0], 'log'>, code: string) =>
      expect(store.advance({ log, ...args })).rejects.toMatchObject({ code });

    it('remembers head and leaves across a restart', async () => {
      store = await backend.reopen();
      expect(await store.head(log)).toEqual(head(2));
      expect(await store.leaves({ log, from: 0, limit: 9 })).toEqual([leaf('a'), leaf('b', null)]);
      expect(await store.head('example.org/events')).toBeUndefined();
    });

    it('refuses a smaller log and another root of the same size, and takes nothing of such an advance', async () => {
      await refused({ from: 2, leaves: [leaf('c')], head: head(1) }, 'log.rolled_back');
      await refused({ from: 2, leaves: [leaf('c')], head: head(2, 9) }, 'log.forked');
      expect(await store.head(log)).toEqual(head(2));
      expect(await store.leaves({ log, from: 2, limit: 9 })).toEqual([]);
      await store.advance({ log, from: 2, leaves: [], head: head(2, 2, 'with newer cosignatures') });
      expect((await store.head(log))?.note).toBe('with newer cosignatures');
    });

    it('refuses gaps, overlaps and a head over leaves it has not seen', async () => {
      await refused({ from: 3, leaves: [leaf('d')] }, 'log.bad_leaf');
      await refused({ from: 1, leaves: [leaf('b')] }, 'log.bad_leaf');
      await refused({ from: 2, leaves: [leaf('c')], head: head(4) }, 'log.bad_leaf');
      await store.advance({ log, from: 2, leaves: [leaf('c'), leaf('d')], head: head(3) });
      await store.advance({ log, from: 4, leaves: [], head: head(4) });
      expect(await store.leaves({ log, from: 3, limit: 1 })).toEqual([leaf('d')]);
    });

    it('fills in a statement that was not shown at first, and never replaces one', async () => {
      await store.fill({ log, index: 1, statement: 'b.jws', cosigns: ['x'] });
      await store.fill({ log, index: 0, statement: 'evil', cosigns: [] });
      expect(await store.leaves({ log, from: 0, limit: 9 })).toEqual([leaf('a'), { ...leaf('b'), cosigns: ['x'] }]);
      await expect(store.fill({ log, index: 5, statement: 'x', cosigns: [] })).rejects.toMatchObject({
        code: 'log.bad_leaf',
      });
    });

    it('keeps removals until they are settled', async () => {
      const removal = (id: string) => ({ id, statement: `${id}.jws`, cosigns: [] });
      await store.remove({ log, removal: removal('one') });
      await store.remove({ log, removal: removal('two') });
      await store.remove({ log, removal: { ...removal('one'), statement: 'other' } });
      store = await backend.reopen();
      expect(await store.removals(log)).toEqual([removal('one'), removal('two')]);
      await store.settle({ log, id: 'one' });
      expect(await store.removals(log)).toEqual([removal('two')]);
    });
  });
}
