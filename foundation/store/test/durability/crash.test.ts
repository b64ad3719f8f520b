import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { openDatabase } from '../../src/index.ts';
import { temporaryFolder } from '../contract/harness.ts';
import * as operations from '../sqlite/operations.ts';

const child = fileURLToPath(new URL('./child.ts', import.meta.url));
const ROUNDS = 6;

function start(path: string, first: number, count: number) {
  return spawn(process.execPath, [child, path, String(first), String(count), '16'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Most of a child's life would be loading modules.
    env: { ...process.env, NODE_COMPILE_CACHE: `${path}-modules` },
  });
}

/** Starts a writer, kills it a little after its first acknowledgements, and says what it had acknowledged. */
function crash(path: string, first: number, delay: number): Promise<number[]> {
  const writer = start(path, first, 0);
  let told = '';
  writer.stdout.on('data', (text) => {
    if (told === '') setTimeout(() => writer.kill('SIGKILL'), delay);
    told += text;
  });
  return new Promise((resolve) =>
    writer.once('close', () => resolve([...told.matchAll(/ACK (\d+)\n/g)].map((match) => Number(match[1])))),
  );
}

it('keeps every acknowledged row through many kills', async () => {
  const folder = temporaryFolder();
  const path = `${folder.path}/crash.db`;
  const acknowledged: number[] = [];
  // A process that is killed leaves no compiled modules behind for the next; this one ends by itself.
  const warm = start(path, 900_000_000, 1);
  warm.stdout.resume();
  await new Promise((resolve) => warm.once('close', resolve));
  for (let round = 0; round < ROUNDS; round++) {
    acknowledged.push(...(await crash(path, round * 1_000_000, 3 + round * 7)));
  }
  expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  const db = await openDatabase<typeof operations>({
    path,
    migrations: [operations.tables],
    operations: new URL('../sqlite/operations.ts', import.meta.url),
  });
  const kept = new Set(await db.read('ids'));
  expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
  expect(await db.read('pragma', { name: 'integrity_check' })).toBe('ok');
  await db.close();
  folder.remove();
});
