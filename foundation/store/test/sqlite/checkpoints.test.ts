import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatabase } from '../../src/index.ts';
import * as operations from './operations.ts';

it('what many write reaches the file while they go on, and the end leaves no log', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'caponier-store-'));
  const path = join(folder, 'test.db');
  const db = await openDatabase<typeof operations>({
    path,
    migrations: [operations.tables],
    operations: new URL('./operations.ts', import.meta.url),
  });
  const body = new Uint8Array(1_024);
  const put = (from: number) =>
    Promise.all(Array.from({ length: 2_500 }, (_, n) => db.run('put', { id: from + n, body })));
  await put(0);
  // Far from where the writer itself copies the log.
  await expect.poll(() => statSync(path).size).toBeGreaterThan(2 * 1024 * 1024);
  await put(10_000);
  await expect.poll(() => statSync(path).size).toBeGreaterThan(5 * 1024 * 1024);
  await db.close();
  expect(existsSync(`${path}-wal`)).toBe(false);
  rmSync(folder, { recursive: true });
});
