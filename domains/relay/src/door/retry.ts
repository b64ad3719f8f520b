import type { CaponierError } from '@caponier/crypto';
import { type ErrorCode, fail } from '@caponier/protocol';

/** Seconds after which it is worth to come back, where nothing better is known. */
const usual: Partial<Record<ErrorCode, number>> = {
  'relay.rate_limited': 60,
  'relay.too_many': 30,
  'relay.unavailable': 5,
};

class Later extends Error {
  readonly seconds: number;

  constructor(seconds: number) {
    super('later');
    this.seconds = seconds;
  }
}

/** An error that says when to come back, in whole seconds. */
export function failUntil(code: ErrorCode, detail: string, seconds: number): CaponierError {
  return fail(code, detail, new Later(seconds));
}

/** Seconds until another attempt makes sense; 0 where waiting does not help. */
export function retryAfter(code: ErrorCode, error?: unknown): number {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Later ? cause.seconds : (usual[code] ?? 0);
}

/** The reason of a close that is worth waiting after; else empty. */
export function closeReason(seconds: number): string {
  return seconds > 0 ? `retry-after=${Math.ceil(seconds)}` : '';
}
