import { parentPort } from 'node:worker_threads';
import { createReader, createWriter, type OperationTable } from './batch.ts';
import { openReader, openWriter } from './connection.ts';
import { failureOf } from './errors.ts';
import type { Call, FromWorker, Reply, Setup, ToWorker } from './messages.ts';
import { migrate } from './migrations.ts';

/** The thread that owns the database file: every call to SQLite blocks its thread, so it is never the service's own. */
const port = parentPort!;
const post = (message: FromWorker) => port.postMessage(message);

interface OpenDatabase {
  read(call: Call): Reply;
  write(calls: readonly Call[]): Reply[];
  close(): void;
}

async function open(setup: Setup): Promise<OpenDatabase> {
  const table = (await import(setup.operations)) as OperationTable;
  const writing = openWriter(setup.path, setup.maxBytes);
  try {
    migrate(writing, setup.migrations);
    const reading = openReader(setup.path);
    return {
      read: createReader(reading, table),
      write: createWriter(writing, table),
      close() {
        reading.close();
        // The last connection to close checkpoints and removes the log file.
        writing.close();
      },
    };
  } catch (error) {
    writing.close();
    throw error;
  }
}

let current: OpenDatabase | undefined;

port.on('message', async (message: ToWorker) => {
  if ('open' in message) {
    try {
      current = await open(message.open);
      post({ ready: true });
    } catch (error) {
      post({ refused: failureOf(error) });
    }
  } else if ('close' in message) {
    current?.close();
    current = undefined;
    post({ closed: true });
  } else if (current) {
    const { read, write } = current;
    const reads = message.calls.filter((call) => !call.write);
    const writes = message.calls.filter((call) => call.write);
    // Reads first: they need no fsync, and whatever was acknowledged before they were asked for is committed already.
    if (reads.length > 0) post({ replies: reads.map(read) });
    if (writes.length > 0) post({ replies: write(writes) });
  }
});
