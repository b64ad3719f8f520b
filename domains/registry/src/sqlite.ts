import { openDatabase } from '@caponier/store';
import * as operations from './operations.ts';
import type { RegistryStore } from './store.ts';

/** A registry's memory in one SQLite file. Throws what `openDatabase` throws. */
export async function openRegistryStore(path: string): Promise<RegistryStore> {
  const db = await openDatabase<typeof operations>({
    path,
    migrations: [operations.tables],
    operations: new URL('./operations.ts', import.meta.url),
  });
  return {
    log: (log) => db.read('log', { log }),
    integrate: (batch) => db.run('integrate', batch),
    publish: (args) => db.run('publish', args),
    tile: (args) => db.read('tile', args),
    entries: (args) => db.read('entries', args),
    indicesOf: (args) => db.read('indicesOf', args),
    statement: (id) => db.read('statement', { id }),
    chain: (args) => db.read('chain', args),
    page: (args) => db.read('page', args),
    isReader: (args) => db.read('isReader', args),
    readsAnything: (key) => db.read('readsAnything', { key }),
    counts: (args) => db.read('counts', args),
    takeTicket: (args) => db.run('takeTicket', args),
    approvers: (owner) => db.read('approvers', { owner }),
    recallApprovers: (approvers) => db.run('recallApprovers', approvers),
    addFreeze: (freeze) => db.run('addFreeze', freeze),
    freezes: (args) => db.read('freezes', args),
    close: () => db.close(),
  };
}
