/** A writer that breaks the promise: it says that rows are acknowledged which are only on their way. */
import { openSync, writeSync } from 'node:fs';
import { openDatabase } from '@caponier/store';
import { bodyOf } from '../src/store-kill/body.ts';
import * as operations from '../src/store-kill/operations.ts';

const [path = '', notes = '', first = '0'] = process.argv.slice(2);
const noted = openSync(notes, 'w');
const database = await openDatabase<typeof operations>({
  path,
  migrations: [operations.tables],
  operations: new URL('../src/store-kill/operations.ts', import.meta.url),
});
for (let id = Number(first); ; id++) {
  const written = database.run('put', { id, body: bodyOf(id) });
  writeSync(noted, `${id}\n`);
  if (id === Number(first)) console.log('writing');
  if (id % 1000 === 999) await written;
}
