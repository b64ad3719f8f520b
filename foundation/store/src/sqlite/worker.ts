import { parentPort, workerData } from 'node:worker_threads';
import { createReader, createWriter, type OperationTable } from './batch.ts';
import { openReader, openWriter } from './connection.ts';
import { failureOf } from './errors.ts';
import type { FromWorker, Setup, ToWorker } from './messages.ts';
import { migrate } from './migrations.ts';

/** The thread that owns the database file: every call to SQLite blocks its thread, so it is never the service's own. */
const port = parentPort!;
const setup = workerData as Setup;
const post = (message: FromWorker) => port.postMessage(message);

try {
  const table = (await import(setup.operations)) as OperationTable;
  const writing = openWriter(setup.path, setup.maxBytes);
  migrate(writing, setup.migrations);
  const reading = openReader(setup.path);
  const write = createWriter(writing, table);
  const read = createReader(reading, table);

  port.on('message', (message: ToWorker) => {
    if ('close' in message) {
      reading.close();
      // The last connection to close checkpoints and removes the log file.
      writing.close();
      post({ closed: true });
      port.close();
      return;
    }
    const reads = message.calls.filter((call) => !call.write);
    const writes = message.calls.filter((call) => call.write);
    // Reads first: they need no fsync, and whatever was acknowledged before they were asked for is committed already.
    if (reads.length > 0) post({ replies: reads.map(read) });
    if (writes.length > 0) post({ replies: write(writes) });
  });
  post({ ready: true });
} catch (error) {
  post({ refused: failureOf(error) });
}
