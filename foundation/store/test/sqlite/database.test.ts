import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Secret } from '@caponier/crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, type DatabaseOptions, openDatabase } from '../../src/index.ts';
import * as operations from './operations.ts';

let folder: string;
let path: string;
let db: Database<typeof operations>;

const open = (options: Partial<DatabaseOptions> = {}) =>
  openDatabase<typeof operations>({
    path,
    migrations: [operations.tables],
    operations: new URL('./operations.ts', import.meta.url),
    ...options,
  });

const codes = (results: PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === 'fulfilled' ? 'ok' : result.reason.code));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'caponier-store-'));
  path = join(folder, 'test.db');
  db = await open();
});

afterEach(async () => {
  await db.close();
  rmSync(folder, { recursive: true });
});

describe('durability settings', () => {
  it('are read back from the connection that writes', async () => {
    expect(await db.run('pragma', { name: 'journal_mode' })).toBe('wal');
    expect(await db.run('pragma', { name: 'synchronous' })).toBe(2n);
    expect(await db.run('pragma', { name: 'secure_delete' })).toBe(1n);
  });

  it('leave no file readable by others', async () => {
    await db.run('put', { id: 1, body: new Uint8Array(10) });
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600);
  });
});

describe('run', () => {
  it('shares a transaction among waiting calls, and takes back only the operation that throws', async () => {
    const results = await Promise.allSettled([
      db.run('put', { id: 1, body: new Uint8Array(10) }),
      db.run('putThenRefuse', { id: 2 }),
      db.run('put', { id: 3, body: new Uint8Array(10) }),
      db.run('putThenBreak', { id: 4 }),
      db.run('put', { id: 3, body: new Uint8Array(10) }),
      db.run('putLater', { id: 5 }),
      db.run('put', { id: 6, body: new Uint8Array(10) }),
    ]);
    expect(codes(results)).toEqual([
      'ok',
      'permit.used_up',
      'ok',
      'host.internal',
      'host.internal',
      'host.internal',
      'ok',
    ]);
    expect(await db.read('ids')).toEqual([1, 3, 6]);
  });

  it('has written when it resolves, as another connection sees', async () => {
    const other = new DatabaseSync(path, { readOnly: true });
    for (let id = 1; id <= 20; id++) {
      await db.run('put', { id, body: new Uint8Array(3) });
      expect(other.prepare('SELECT count(*) AS n FROM things').get()).toEqual({ n: id });
    }
    other.close();
  });

  it('keeps integers exact', async () => {
    expect(await db.run('big', { value: 2n ** 62n + 1n })).toBe(2n ** 62n + 1n);
    expect(await db.run('kindOf', { value: 1 })).toBe('integer');
    expect(await db.run('kindOf', { value: 1.5 })).toBe('real');
  });

  it('refuses what would arrive as something else', async () => {
    await expect(db.run('echo', Secret.from(new Uint8Array(4)))).rejects.toMatchObject({ code: 'host.internal' });
    await expect(db.run('echo', { a: () => 1 })).rejects.toMatchObject({ code: 'host.internal' });
    expect(await db.run('echo', { a: [1, null, 'x', 5n, Uint8Array.of(1)] })).toEqual({
      a: [1, null, 'x', 5n, Uint8Array.of(1)],
    });
  });

  it('refuses an operation that is not one', async () => {
    for (const name of ['nothing', 'tables', 'constructor', '__proto__']) {
      await expect(db.run(name as 'ids')).rejects.toMatchObject({ code: 'host.internal' });
    }
  });
});

describe('read', () => {
  it('sees every acknowledged write', async () => {
    await Promise.all(
      Array.from({ length: 50 }, async (_, id) => {
        await db.run('put', { id, body: new Uint8Array(3) });
        expect(await db.read('ids')).toContain(id);
      }),
    );
  });

  it('cannot write', async () => {
    await expect(db.read('put', { id: 1, body: new Uint8Array(1) })).rejects.toMatchObject({
      code: 'store.unavailable',
    });
    expect(await db.read('ids')).toEqual([]);
  });
});

describe('limits', () => {
  it('refuse when too many operations or bytes wait, and take more later', async () => {
    await db.close();
    db = await open({ maxWaiting: 4, maxWaitingBytes: 10_000 });
    const put = (id: number, length: number) => db.run('put', { id, body: new Uint8Array(length) });
    expect(codes(await Promise.allSettled([1, 2, 3, 4, 5, 6].map((id) => put(id, 10))))).toEqual([
      ...Array(4).fill('ok'),
      ...Array(2).fill('store.unavailable'),
    ]);
    expect(codes(await Promise.allSettled([put(7, 8_000), put(8, 8_000), put(9, 10)]))).toEqual([
      'ok',
      'store.unavailable',
      'ok',
    ]);
  });

  it('answer store.full, keep what was there, and go on', async () => {
    await db.close();
    db = await open({ maxBytes: 256 * 1024 });
    await db.run('put', { id: 1, body: new Uint8Array(1_000) });
    const results = codes(
      await Promise.allSettled([2, 3, 4].map((id) => db.run('put', { id, body: new Uint8Array(200 * 1024) }))),
    );
    expect(results).toContain('store.full');
    const kept = await db.read('ids');
    expect(kept).toEqual([1, ...[2, 3, 4].filter((_, i) => results[i] === 'ok')]);
    await db.run('put', { id: 9, body: new Uint8Array(10) });
    expect(await db.read('ids')).toEqual([...kept, 9]);
  });
});

describe('a bad file', () => {
  const damaged = { code: 'store.damaged' };

  it('that is no database is refused', async () => {
    const other = join(folder, 'other.db');
    writeFileSync(other, 'x'.repeat(10_000));
    await expect(open({ path: other })).rejects.toMatchObject(damaged);
  });

  it('damaged within is reported, and nothing more is written to it', async () => {
    for (let id = 0; id < 200; id++) void db.run('put', { id, body: new Uint8Array(1_000) });
    await db.close();
    const size = statSync(path).size;
    const bytes = new Uint8Array(size).fill(0xaa);
    const { openSync, writeSync, closeSync } = await import('node:fs');
    const file = openSync(path, 'r+');
    writeSync(file, bytes, 4096 * 4, size - 4096 * 4, 4096 * 4);
    closeSync(file);
    db = await open();
    await expect(db.run('put', { id: 1_000_000, body: new Uint8Array(1_000) })).rejects.toMatchObject(damaged);
    await expect(db.read('ids')).rejects.toMatchObject(damaged);
    await expect(db.run('echo', 1)).rejects.toMatchObject(damaged);
  });

  it('of a newer version is refused', async () => {
    await db.close();
    await expect(
      open({ migrations: [{ name: 'test', steps: operations.tables.steps.slice(0, 1) }] }),
    ).rejects.toMatchObject({
      code: 'store.too_new',
    });
    db = await open({ migrations: [operations.tables, { name: 'more', steps: ['CREATE TABLE more (a) '] }] });
    await db.run('put', { id: 1, body: new Uint8Array(1) });
  });

  it('of operations is refused', async () => {
    await expect(open({ operations: new URL('./missing.ts', import.meta.url) })).rejects.toMatchObject({
      code: 'host.internal',
    });
  });
});

describe('close', () => {
  it('finishes what waits and refuses more', async () => {
    const waiting = [1, 2, 3].map((id) => db.run('put', { id, body: new Uint8Array(5) }));
    const closed = db.close();
    await expect(db.run('echo', 1)).rejects.toMatchObject({ code: 'store.unavailable' });
    expect(codes(await Promise.allSettled(waiting))).toEqual(['ok', 'ok', 'ok']);
    await closed;
    await expect(db.read('ids')).rejects.toMatchObject({ code: 'store.unavailable' });
    db = await open();
    expect(await db.read('ids')).toEqual([1, 2, 3]);
  });
});
