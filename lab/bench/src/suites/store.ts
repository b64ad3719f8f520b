import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openDatabase } from '@caponier/store';
import { interleave } from '../measure.ts';
import * as operations from '../store-operations.ts';
import type { Suite } from '../suite.ts';

const WRITERS = 64;
const ROW_BYTES = 1_024;
const ROWS = 8_192;
const ROUNDS = 7;

/** As many rows in one transaction on the caller's own thread: one fsync for all of them, and no way between threads. */
function inOneTransaction(path: string, body: Uint8Array): () => number {
  const connection = new DatabaseSync(path);
  connection.exec('PRAGMA journal_mode = wal; PRAGMA synchronous = full; PRAGMA secure_delete = on');
  connection.exec(operations.tables.steps.join(';'));
  const insert = connection.prepare('INSERT INTO rows (body) VALUES (?)');
  return () => {
    const start = performance.now();
    connection.exec('BEGIN IMMEDIATE');
    for (let row = 0; row < ROWS; row++) insert.run(body);
    connection.exec('COMMIT');
    return (ROWS * 1000) / (performance.now() - start);
  };
}

const suite: Suite = {
  name: 'store',
  async run(report) {
    const folder = mkdtempSync(join(tmpdir(), 'caponier-bench-'));
    const body = new Uint8Array(ROW_BYTES).fill(7);
    const db = await openDatabase<typeof operations>({
      path: join(folder, 'ours.db'),
      migrations: [operations.tables],
      operations: new URL('../store-operations.ts', import.meta.url),
    });
    const ours = async () => {
      let left = ROWS;
      const writer = async () => {
        while (left-- > 0) await db.run('put', { body });
      };
      const start = performance.now();
      await Promise.all(Array.from({ length: WRITERS }, writer));
      return (ROWS * 1000) / (performance.now() - start);
    };
    report.progress('durable-64');
    const measured = await interleave(ours, inOneTransaction(join(folder, 'baseline.db'), body), ROUNDS);
    report.row({ name: 'durable-64', unit: 'writes/s', ...measured });
    report.note(
      `${ROW_BYTES} byte rows, ${WRITERS} writers, each waiting for its own; the baseline is one transaction of ${ROWS} rows`,
    );
    await db.close();
    rmSync(folder, { recursive: true });
  },
};

export default suite;
