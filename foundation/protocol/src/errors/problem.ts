import type { CaponierError } from '@caponier/crypto';
import { type ErrorCode, entryOf, errorCatalogue, fail } from './catalogue.ts';

/** An error as HTTP carries it (RFC 9457, `application/problem+json`). Holds nothing internal. */
export interface Problem {
  /** `urn:caponier:` and the code. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly hint: string;
}

export const problemContentType = 'application/problem+json';

/** What may be shown of any thrown value. */
export function problemOf(error: unknown): Problem {
  const { code, title, status, hint } = entryOf(error);
  return { type: `urn:caponier:${code}`, title, status, code, hint };
}

/** The error that a service answered with, or `host.unreachable` where the answer is no problem of ours. */
export function errorOfProblem(body: unknown): CaponierError {
  const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined;
  const known = typeof code === 'string' && Object.hasOwn(errorCatalogue, code);
  return known ? fail(code as ErrorCode, 'answered by the service') : fail('host.unreachable', 'not an answer of ours');
}
