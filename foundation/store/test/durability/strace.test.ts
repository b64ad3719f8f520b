import { fileURLToPath } from 'node:url';
import { straceAcks, straceWorks, whereEngine } from '@caponier/testkit';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../contract/harness.ts';

const child = fileURLToPath(new URL('./child.ts', import.meta.url));
const itWithStrace = whereEngine(it, 'strace', straceWorks());
let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const run = (count: number, writers: number, marker?: (n: number) => string) =>
  straceAcks({
    command: [process.execPath, child, `${folder.path}/x.db`, '0', String(count), String(writers)],
    files: /x\.db-wal$/,
    ...(marker ? { marker } : {}),
  });

itWithStrace('syncs the log between the write of a row and its acknowledgement', async () => {
  const proof = await run(20, 1);
  expect(proof.unproven).toEqual([]);
  expect(proof.acks).toEqual(Array.from({ length: 20 }, (_, n) => n));
});

itWithStrace('syncs for every one of many writers that share a transaction', async () => {
  const proof = await run(200, 32, (n) => `row-${n};`);
  expect(proof.unproven).toEqual([]);
  expect(proof.acks.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n));
});
