import type { Failure } from './errors.ts';
import type { Migrations } from './migrations.ts';

/** What crosses between the caller's thread and the worker's. Batches both ways: one message for many operations. */

export interface Setup {
  readonly path: string;
  readonly maxBytes: number;
  readonly migrations: readonly Migrations[];
  readonly operations: string;
}

export interface Call {
  readonly id: number;
  readonly write: boolean;
  readonly name: string;
  readonly args: unknown;
}

export type ToWorker = { readonly open: Setup } | { readonly calls: readonly Call[] } | { readonly close: true };

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: Failure };

export type FromWorker =
  | { readonly ready: true }
  | { readonly refused: Failure }
  | { readonly replies: readonly Reply[] }
  | { readonly closed: true };
