import { parentPort, workerData } from 'node:worker_threads';
import { openCheckpointer } from './connection.ts';

/** The thread of `Checkpoints`: copies what the log holds into the database file each time it is asked to, and says so. */
const connection = openCheckpointer(workerData as string);
parentPort!.on('message', (message: 'copy' | 'close') => {
  if (message === 'close') {
    connection.close();
    parentPort!.close();
    return;
  }
  try {
    connection.exec('PRAGMA wal_checkpoint(PASSIVE)');
  } finally {
    parentPort!.postMessage('copied');
  }
});
