import { Worker } from 'node:worker_threads';
import { locate } from './locate.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** Threads kept for the next database after their last one closed: a thread takes longer to start than a file to open. */
const MAX_IDLE_THREADS = 2;

const idle = new Set<Worker>();

/** What the owner of a thread listens to; exactly these are taken off again, since Worker keeps listeners of its own. */
export interface ThreadListeners {
  message(message: FromWorker): void;
  /** The thread cannot be used any more. */
  lost(error: unknown): void;
}

/** A storage thread with no database. It keeps the process alive until `unref`. */
export class StorageThread {
  readonly #worker: Worker;
  readonly #listeners: ThreadListeners;
  readonly #ended = () => this.#listeners.lost('the storage thread ended');

  constructor(listeners: ThreadListeners) {
    this.#listeners = listeners;
    const [kept] = idle;
    if (kept) {
      idle.delete(kept);
      this.#worker = kept;
    } else {
      // No flags are inherited: `--input-type`, for instance, would keep the thread from starting.
      this.#worker = new Worker(locate(new URL('./worker.ts', import.meta.url)), { execArgv: [] });
      const worker = this.#worker;
      // Without a listener an error in an idle thread would end the process.
      worker.on('error', () => idle.delete(worker));
      worker.on('exit', () => idle.delete(worker));
    }
    this.#worker.on('message', listeners.message);
    this.#worker.on('error', listeners.lost);
    this.#worker.on('messageerror', listeners.lost);
    this.#worker.on('exit', this.#ended);
    this.#worker.ref();
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  ref(): void {
    this.#worker.ref();
  }

  unref(): void {
    this.#worker.unref();
  }

  /** Gives the thread back, its database being closed. */
  release(): void {
    this.#worker.off('message', this.#listeners.message);
    this.#worker.off('error', this.#listeners.lost);
    this.#worker.off('messageerror', this.#listeners.lost);
    this.#worker.off('exit', this.#ended);
    this.#worker.unref();
    if (idle.size < MAX_IDLE_THREADS) idle.add(this.#worker);
    else void this.#worker.terminate();
  }
}
