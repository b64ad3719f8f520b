import { parentPort } from 'node:worker_threads';
import { createReader, type OperationTable, Writer } from './batch.ts';
import { Checkpoints } from './checkpoints.ts';
import { openReader, openWriter } from './connection.ts';
import { failureOf } from './errors.ts';
import type { Answers, Call, FromWorker, Setup, ToWorker } from './messages.ts';
import { migrate } from './migrations.ts';

/** The thread that owns the database file: every call to SQLite blocks its thread, so it is never the service's own. */
const port = parentPort!;
const post = (message: FromWorker) => port.postMessage(message);

interface OpenDatabase {
  read(calls: readonly Call[]): Answers;
  readonly writer: Writer;
  readonly checkpoints: Checkpoints;
  close(): Promise<void>;
}

async function open(setup: Setup): Promise<OpenDatabase> {
  const table = (await import(setup.operations)) as OperationTable;
  const writing = openWriter(setup.path, setup.maxBytes);
  try {
    migrate(writing, setup.migrations);
    const reading = openReader(setup.path);
    const checkpoints = new Checkpoints(setup.path);
    return {
      read: createReader(reading, table),
      writer: new Writer(writing, table),
      checkpoints,
      async close() {
        await checkpoints.close();
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
    const closing = current;
    current = undefined;
    await closing?.close();
    post({ closed: true });
  } else if (current && 'reads' in message) {
    post({ reads: current.read(message.reads) });
  } else if (current && 'writes' in message) {
    current.writer.apply(message.writes);
    if (message.more) return;
    post({ writes: current.writer.commit() });
    current.checkpoints.committed(current.writer.changes);
  }
});
