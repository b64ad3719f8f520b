import type { Failure } from './errors.ts';
import type { Migrations } from './migrations.ts';

/**
 * What crosses between the caller's thread and the storage thread. One message each way for many operations, and nothing
 * in it that both sides know already: copying is a large part of what a small write costs.
 */

export interface Setup {
  readonly path: string;
  readonly maxBytes: number;
  readonly migrations: readonly Migrations[];
  readonly operations: string;
}

/** Name and arguments of an operation. */
export type Call = readonly [name: string, args: unknown];

/** With `more`, the batch of writes goes on in the next message: the thread works on it, and commits after the last. */
export type ToWorker =
  | { readonly open: Setup }
  | { readonly reads: readonly Call[] }
  | { readonly writes: readonly Call[]; readonly more: boolean }
  | { readonly close: true };

/** What came of each call, in their order: a value, or a failure by the call's index. */
export interface Answers {
  readonly values: readonly unknown[];
  readonly failures: readonly (readonly [index: number, failure: Failure])[];
}

/** Reads are answered as soon as they are done, writes when their batch is durable. */
export type FromWorker =
  | { readonly ready: true }
  | { readonly refused: Failure }
  | { readonly reads: Answers }
  | { readonly writes: Answers }
  | { readonly closed: true };
