import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { locate } from './locate.ts';

/** Rows written after which the log is copied: below it a database never has this thread. */
const ROWS = 2_048;

/**
 * Copies the log into the database file beside the writer, which would otherwise do it within a commit, with all its
 * batch waiting: some ten milliseconds. What the writer still copies itself, each `CHECKPOINT_PAGES`, is the rest; then the
 * log begins anew. Nothing depends on this thread: without it, the writer copies everything.
 */
export class Checkpoints {
  readonly #path: string;
  #thread: Worker | null = null;
  #ended: Promise<unknown> = Promise.resolve();
  #copying = false;
  #lost = false;
  /** Rows at the last copy. */
  #copied = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** So many rows were written since the database was opened. */
  committed(rows: number): void {
    if (rows - this.#copied < ROWS || this.#copying || this.#lost) return;
    this.#copied = rows;
    this.#copying = true;
    this.#thread ??= this.#start();
    this.#thread.postMessage('copy');
  }

  #start(): Worker {
    const thread = new Worker(locate(new URL('./checkpoint.ts', import.meta.url)), {
      execArgv: [],
      workerData: this.#path,
    });
    this.#ended = once(thread, 'exit').catch(() => {});
    thread.on('message', () => {
      this.#copying = false;
    });
    thread.on('error', () => {
      this.#lost = true;
    });
    thread.unref();
    return thread;
  }

  /** Resolves when its connection is closed. */
  async close(): Promise<void> {
    if (!this.#thread) return;
    this.#thread.postMessage('close');
    await this.#ended;
  }
}
