import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '@caponier/store';
import type { Dice } from '../dice.ts';
import { bodyOf } from '../store-kill/body.ts';
import * as operations from '../store-kill/operations.ts';
import { Broken, type Torture } from '../types.ts';

/** Processes that are killed one after another over the same file. */
const killsARound = 2;
/** Milliseconds from the first acknowledgement to the kill, at most: long enough for a checkpoint of the log. */
const maxLife = 250;
/** Ids of one process; none reaches the next one's. */
const idsEach = 10_000_000;

/** Starts a writer, kills it at a random moment, and gives the ids that it noted as acknowledged. */
async function killed(writer: string, path: string, first: number, dice: Dice): Promise<number[]> {
  const notes = `${path}-notes`;
  const child = spawn(process.execPath, [writer, path, notes, String(first), String(1 + dice.below(64))], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const life = dice.below(maxLife);
  let trouble = '';
  child.stderr.on('data', (text) => {
    trouble += text;
  });
  child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), life));
  const signal = await new Promise<string | null>((resolve) => child.once('close', (_code, by) => resolve(by)));
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself: ${trouble}`);
  // What stands after the last line break was cut off by the kill.
  return (await readFile(notes, 'utf8')).split('\n').slice(0, -1).map(Number);
}

/** What was acknowledged is there, whole, after any kill. `writer` is the program that is tortured. */
export function tortureStore(writer: string): Torture {
  return {
    name: 'store-kill',
    summary: 'SIGKILL at random moments loses no acknowledged row and tears none',
    rounds: 30,
    async round(dice) {
      const folder = await mkdtemp(join(tmpdir(), 'store-kill-'));
      try {
        const path = join(folder, 'rows.db');
        const acknowledged: number[] = [];
        for (let kill = 0; kill < killsARound; kill++) {
          acknowledged.push(...(await killed(writer, path, kill * idsEach, dice)));
          await inspect(path, acknowledged);
        }
        return { kills: killsARound, 'acknowledged rows kept': acknowledged.length };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

async function inspect(path: string, acknowledged: readonly number[]): Promise<void> {
  const database = await openDatabase<typeof operations>({
    path,
    migrations: [operations.tables],
    operations: new URL('../store-kill/operations.ts', import.meta.url),
  });
  try {
    const health = await database.read('integrity');
    if (health !== 'ok') throw new Broken(`the database is damaged: ${health}`);
    const left = await database.read('rows', { side: 'left' });
    const right = await database.read('rows', { side: 'right' });
    const kept = new Set(left.map(({ id }) => id));
    const lost = acknowledged.filter((id) => !kept.has(id));
    if (lost.length > 0) throw new Broken(`${lost.length} acknowledged rows are lost, the first of them ${lost[0]}`);
    if (left.length !== right.length || left.some(({ id }, i) => right[i]?.id !== id))
      throw new Broken('a transaction came apart');
    for (const { id, body } of [...left, ...right])
      if (Buffer.compare(body, bodyOf(id)) !== 0) throw new Broken(`row ${id} is damaged`);
  } finally {
    await database.close();
  }
}

export default tortureStore(fileURLToPath(new URL('../store-kill/writer.ts', import.meta.url)));
