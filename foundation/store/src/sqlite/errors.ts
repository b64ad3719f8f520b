import type { ErrorCode } from '@caponier/protocol';
import { entryOf } from '@caponier/protocol/errors';

/** How a failure crosses the thread boundary: a stable code, and a text for our own log. */
export interface Failure {
  readonly code: ErrorCode;
  readonly detail: string;
}

// Primary result codes, https://sqlite.org/rescode.html
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const NOMEM = 7;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const NOTADB = 26;

const byResult = new Map<number, ErrorCode>([
  [FULL, 'store.full'],
  [CORRUPT, 'store.damaged'],
  [NOTADB, 'store.damaged'],
  ...[PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, CANTOPEN].map((result) => [result, 'store.unavailable'] as const),
]);

function primaryResult(error: unknown): number | undefined {
  const errcode = (error as { errcode?: unknown } | null)?.errcode;
  return typeof errcode === 'number' ? errcode & 0xff : undefined;
}

/** Any thrown value as a failure: coded errors keep their code, SQLite's own are mapped, the rest is `host.internal`. */
export function failureOf(error: unknown): Failure {
  const result = primaryResult(error);
  const code = (result !== undefined && byResult.get(result)) || entryOf(error).code;
  return { code, detail: error instanceof Error ? error.message : String(error) };
}

/**
 * After these nothing more may be written until the file is opened anew. A failed write or fsync leaves the kernel's
 * cache in a state no later fsync reports on ("fsyncgate", Rebello et al., "Can Applications Recover from fsync
 * Failures?", USENIX ATC 2020), and a corrupt page must not spread.
 */
export function isFatal(error: unknown): boolean {
  const result = primaryResult(error);
  return result === IOERR || result === CORRUPT || result === NOTADB;
}
