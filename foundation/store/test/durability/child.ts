/**
 * Writes rows and prints `ACK <id>` once each is acknowledged. Arguments: the database, the first id, how many (0: until
 * it is killed), how many at once.
 */
import { writeSync } from 'node:fs';
import { openDatabase } from '../../src/index.ts';
import * as operations from '../sqlite/operations.ts';

const [path = '', first = '0', count = '0', writers = '1'] = process.argv.slice(2);
const db = await openDatabase<typeof operations>({
  path,
  migrations: [operations.tables],
  operations: new URL('../sqlite/operations.ts', import.meta.url),
});

let next = Number(first);
const end = Number(count) === 0 ? Number.POSITIVE_INFINITY : next + Number(count);
const write = async () => {
  while (next < end) {
    const id = next++;
    await db.run('put', { id, body: new TextEncoder().encode(`row-${id};`.padEnd(600, '.')) });
    writeSync(1, `ACK ${id}\n`);
  }
};
await Promise.all(Array.from({ length: Number(writers) }, write));
await db.close();
