import { fail } from '@caponier/protocol';
import type { Failure } from './errors.ts';
import { locate } from './locate.ts';
import type { Call, Setup } from './messages.ts';
import type { Migrations } from './migrations.ts';
import type { Sql } from './sql.ts';
import { StorageThread } from './thread.ts';
import { weigh } from './weigh.ts';

/** Operations that may wait at once; above it `store.unavailable`. */
export const MAX_WAITING = 10_000;

/** Bytes of arguments that may wait at once; above it `store.unavailable`. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Operations in one transaction: bounds how long the first of them waits for the last. */
export const MAX_BATCH = 1_024;

/** Size of a database file unless said otherwise, in bytes; above it `store.full`. */
export const MAX_DATABASE_BYTES = 64 * 1024 ** 3;

/** Names of the exports of `Ops` that are operations. */
export type OperationName<Ops> = {
  // biome-ignore lint/suspicious/noExplicitAny: the one place where an operation of any argument type is matched
  [Name in keyof Ops]: Ops[Name] extends (sql: Sql, args: any) => unknown ? Name : never;
}[keyof Ops] &
  string;

type Args<Ops, Name extends keyof Ops> = Ops[Name] extends (sql: Sql) => unknown
  ? []
  : Ops[Name] extends (sql: Sql, args: infer A) => unknown
    ? [args: A]
    : never;

// biome-ignore lint/suspicious/noExplicitAny: as above
type Result<Ops, Name extends keyof Ops> = Ops[Name] extends (sql: Sql, args: any) => infer R ? R : never;

export interface DatabaseOptions {
  /** The file. Made with mode 0600 where missing. */
  readonly path: string;
  readonly migrations: readonly Migrations[];
  /** The module of operations: `new URL('./operations.ts', import.meta.url)`, also in what is built to `.js`. */
  readonly operations: URL;
  /** Default `MAX_DATABASE_BYTES`. */
  readonly maxBytes?: number;
  /** Default `MAX_WAITING`. */
  readonly maxWaiting?: number;
  /** Default `MAX_WAITING_BYTES`. */
  readonly maxWaitingBytes?: number;
}

/**
 * One SQLite file and the thread that owns it.
 *
 * What is done to it is written as operations: synchronous functions `(sql, args) => result`, exported from a module
 * that the worker thread loads. Arguments and results are plain data (no class instances, no functions), and arguments
 * are not changed before the promise settles. Times and random values are arguments.
 *
 * ```ts
 * // operations.ts
 * import { fail } from '@caponier/protocol';
 * import { int, type Migrations, type Sql } from '@caponier/store';
 *
 * export const tables: Migrations = {
 *   name: 'tickets',
 *   steps: ['CREATE TABLE tickets (id TEXT PRIMARY KEY, uses INTEGER NOT NULL) STRICT'],
 * };
 *
 * export function takeTicket(sql: Sql, args: { id: string }): number {
 *   const row = sql.get<{ uses: bigint }>('UPDATE tickets SET uses = uses - 1 WHERE id = ? AND uses > 0 RETURNING uses', args.id);
 *   if (!row) throw fail('permit.used_up');
 *   return int(row.uses);
 * }
 *
 * // store.ts
 * import * as operations from './operations.ts';
 *
 * const db = await openDatabase<typeof operations>({
 *   path: `${home}/tickets.db`,
 *   migrations: [operations.tables],
 *   operations: new URL('./operations.ts', import.meta.url),
 * });
 * const left = await db.run('takeTicket', { id: 'a' }); // or throws permit.used_up
 * ```
 *
 * To use another module's operations or tables in the same database, export them from yours
 * (`export { appendEvent } from '@caponier/store'`) or call them inside your own operation, with the same `sql`.
 */
export interface Database<Ops> {
  /**
   * Runs an operation that may write, in a savepoint of its own, and resolves after COMMIT has returned, so what it
   * wrote survives a crash and a power cut. Calls that are waiting at the same time share one transaction and one
   * fsync, in the order of the calls. An operation that throws changes nothing, and its coded error arrives here;
   * anything without a code arrives as `host.internal`. Further: `store.full`, `store.damaged`, `store.unavailable`
   * (too many waiting, closed, or the disk failed; then it is not known whether it was written).
   */
  run<Name extends OperationName<Ops>>(name: Name, ...args: Args<Ops, Name>): Promise<Result<Ops, Name>>;
  /** Runs an operation that only reads, in its own snapshot. It sees every write acknowledged before the call. */
  read<Name extends OperationName<Ops>>(name: Name, ...args: Args<Ops, Name>): Promise<Result<Ops, Name>>;
  /** Takes nothing more, finishes what waits, closes the file. */
  close(): Promise<void>;
}

interface Waiting {
  readonly call: Call;
  readonly bytes: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Opens (or makes) a database and brings its tables up to date. Throws `store.not_durable` when the file system or
 * SQLite would not keep what is acknowledged, `store.damaged`, `store.too_new`, `store.unavailable`.
 */
export async function openDatabase<Ops>(options: DatabaseOptions): Promise<Database<Ops>> {
  const handle = new Handle(options);
  await handle.opened;
  return handle as unknown as Database<Ops>;
}

class Handle {
  readonly opened: Promise<void>;
  #thread!: StorageThread;
  readonly #maxWaiting: number;
  readonly #maxWaitingBytes: number;
  readonly #waiting = new Map<number, Waiting>();
  #queue: Call[] = [];
  #bytes = 0;
  #nextId = 0;
  #flying = 0;
  #flushing = false;
  #ended: Failure | undefined;
  #closing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #whenEnded: (() => void) | undefined;

  constructor(options: DatabaseOptions) {
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? MAX_WAITING_BYTES;
    const setup: Setup = {
      path: options.path,
      maxBytes: options.maxBytes ?? MAX_DATABASE_BYTES,
      migrations: options.migrations.map(({ name, steps }) => ({ name, steps: [...steps] })),
      operations: locate(options.operations).href,
    };
    this.opened = new Promise((resolve, reject) => {
      this.#thread = new StorageThread({
        message: (message) => {
          if ('replies' in message) this.#settle(message.replies);
          else if ('ready' in message) resolve(this.#idle());
          else {
            this.#thread.release();
            this.#end({ code: 'store.unavailable', detail: 'closed' });
            if ('refused' in message) reject(fail(message.refused.code, message.refused.detail));
          }
        },
        lost: (error) => {
          const detail = error instanceof Error ? error.message : String(error);
          this.#end({ code: 'store.unavailable', detail });
          reject(fail('store.unavailable', detail));
        },
      });
    });
    this.#thread.post({ open: setup });
  }

  run(name: string, args?: unknown): Promise<unknown> {
    return this.#call(true, name, args);
  }

  read(name: string, args?: unknown): Promise<unknown> {
    return this.#call(false, name, args);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    if (this.#ended) return;
    const ended = new Promise<void>((resolve) => (this.#whenEnded = resolve));
    this.#thread.ref();
    this.#thread.post({ close: true });
    await ended;
  }

  async #call(write: boolean, name: string, args: unknown): Promise<unknown> {
    if (this.#ended) throw fail(this.#ended.code, this.#ended.detail);
    if (this.#closing) throw fail('store.unavailable', 'closed');
    const bytes = weigh(args);
    if (this.#waiting.size >= this.#maxWaiting || this.#bytes + bytes > this.#maxWaitingBytes) {
      throw fail('store.unavailable', 'too much is waiting');
    }
    return new Promise((resolve, reject) => {
      const call: Call = { id: this.#nextId++, write, name, args };
      if (this.#waiting.size === 0) this.#thread.ref();
      this.#waiting.set(call.id, { call, bytes, resolve, reject });
      this.#bytes += bytes;
      this.#queue.push(call);
      if (!this.#flushing) {
        this.#flushing = true;
        queueMicrotask(() => {
          this.#flushing = false;
          this.#flush();
        });
      }
    });
  }

  /** One batch is under way at a time: what arrives meanwhile becomes the next, so the batch grows with the load. */
  #flush(): void {
    if (this.#flying > 0 || this.#queue.length === 0 || this.#ended) return;
    const calls = this.#queue.length <= MAX_BATCH ? this.#queue : this.#queue.slice(0, MAX_BATCH);
    this.#queue = this.#queue.length <= MAX_BATCH ? [] : this.#queue.slice(MAX_BATCH);
    this.#flying = calls.length;
    this.#thread.post({ calls });
  }

  #settle(replies: readonly { id: number; value?: unknown; failure?: Failure }[]): void {
    this.#flying -= replies.length;
    for (const { id, value, failure } of replies) {
      const waiting = this.#waiting.get(id);
      if (!waiting) continue;
      this.#waiting.delete(id);
      this.#bytes -= waiting.bytes;
      if (failure) waiting.reject(fail(failure.code, failure.detail));
      else waiting.resolve(value);
    }
    if (this.#waiting.size === 0) this.#idle();
    this.#flush();
  }

  /** An idle database does not keep its process alive: whatever was acknowledged is on disk. */
  #idle(): void {
    this.#thread.unref();
    this.#drained?.();
  }

  #end(failure: Failure): void {
    if (this.#ended) return;
    this.#ended = failure;
    this.#queue = [];
    for (const { reject } of this.#waiting.values()) reject(fail(failure.code, failure.detail));
    this.#waiting.clear();
    this.#drained?.();
    this.#whenEnded?.();
  }
}
