/**
 * Writes rows until it is killed, and notes the id of each once it is acknowledged, one a line. Arguments: the database,
 * the file of notes, the first id, how many writers at once. Says on standard output when the first is noted.
 */
import { openSync, writeSync } from 'node:fs';
import { openDatabase } from '@caponier/store';
import { bodyOf } from './body.ts';
import * as operations from './operations.ts';

const [path = '', notes = '', first = '0', writers = '1'] = process.argv.slice(2);
const noted = openSync(notes, 'w');
const database = await openDatabase<typeof operations>({
  path,
  migrations: [operations.tables],
  operations: new URL('./operations.ts', import.meta.url),
});
let next = Number(first);
let told = false;
const write = async () => {
  for (;;) {
    const id = next++;
    await database.run('put', { id, body: bodyOf(id) });
    // At once: a line in a buffer of this process would be lost with it, and prove nothing. A file never says EAGAIN.
    writeSync(noted, `${id}\n`);
    if (!told) console.log('writing');
    told = true;
  }
};
await Promise.all(Array.from({ length: Number(writers) }, write));
