import { fail } from '@caponier/protocol';
import type { Failure } from './errors.ts';
import { Lane } from './lane.ts';
import { locate } from './locate.ts';
import type { Answers, Setup } from './messages.ts';
import type { Migrations } from './migrations.ts';
import type { Sql } from './sql.ts';
import { StorageThread } from './thread.ts';
import { weigh } from './weigh.ts';

/** Operations that may wait at once; above it `store.unavailable`. */
export const MAX_WAITING = 10_000;

/** Bytes of arguments that may wait at once; above it `store.unavailable`. */
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** Operations that are sent ahead while their batch is still being asked for: the thread works on them meanwhile. */
const SENT_AHEAD = 16;

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
  readonly #reads = new Lane();
  readonly #writes = new Lane();
  #bytes = 0;
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
          if ('writes' in message) this.#settle(this.#writes, message.writes);
          else if ('reads' in message) this.#settle(this.#reads, message.reads);
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
    return this.#call(this.#writes, name, args);
  }

  read(name: string, args?: unknown): Promise<unknown> {
    return this.#call(this.#reads, name, args);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  get #size(): number {
    return this.#reads.size + this.#writes.size;
  }

  async #close(): Promise<void> {
    if (this.#size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    if (this.#ended) return;
    const ended = new Promise<void>((resolve) => {
      this.#whenEnded = resolve;
    });
    this.#thread.ref();
    this.#thread.post({ close: true });
    await ended;
  }

  #refusal(bytes: number): Error | undefined {
    if (this.#ended) return fail(this.#ended.code, this.#ended.detail);
    if (this.#closing) return fail('store.unavailable', 'closed');
    if (this.#size >= this.#maxWaiting || this.#bytes + bytes > this.#maxWaitingBytes) {
      return fail('store.unavailable', 'too much is waiting');
    }
    return undefined;
  }

  #call(lane: Lane, name: string, args: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // What `weigh` throws rejects the promise, as everything in here.
      const bytes = weigh(args);
      const refusal = this.#refusal(bytes);
      if (refusal) throw refusal;
      if (this.#size === 0) this.#thread.ref();
      lane.waiting.push({ call: [name, args], bytes, resolve, reject });
      this.#bytes += bytes;
      if (lane === this.#writes && lane.waiting.length >= SENT_AHEAD && lane.maySend) this.#sendWrites(true);
      if (this.#flushing) return;
      // Not at once: what else is asked for in this turn goes along.
      this.#flushing = true;
      queueMicrotask(() => {
        this.#flushing = false;
        this.#flush();
      });
    });
  }

  #flush(): void {
    if (this.#ended) return;
    if (this.#reads.waiting.length > 0 && this.#reads.maySend) this.#thread.post({ reads: this.#reads.send(false) });
    if (this.#writes.open || (this.#writes.waiting.length > 0 && this.#writes.maySend)) this.#sendWrites(false);
  }

  #sendWrites(more: boolean): void {
    const writes = this.#writes.send(more);
    this.#thread.post({ writes, more: this.#writes.open });
  }

  #settle(lane: Lane, answers: Answers): void {
    this.#bytes -= lane.settle(answers);
    if (this.#size === 0) this.#idle();
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
    this.#reads.refuseAll(failure);
    this.#writes.refuseAll(failure);
    this.#drained?.();
    this.#whenEnded?.();
  }
}
