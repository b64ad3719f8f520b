import type { CaponierError } from '@caponier/crypto';
import { type ErrorCode, fail } from '@caponier/protocol';

/** Why a refusal was made comes with it: how long the other side asked to wait. */
class Later extends Error {
  readonly seconds: number;

  constructor(seconds: number) {
    super('later');
    this.seconds = seconds;
  }
}

/** A refusal of the other side, with the seconds after which it says that another try makes sense; 0: it does not say. */
export function refusal(code: ErrorCode, seconds: number): CaponierError {
  return fail(code, 'refused', seconds > 0 ? new Later(seconds) : undefined);
}

/**
 * Seconds of a `Retry-After` (RFC 9110 section 10.2.3): a number, or a date, which is held against the answer's own `Date`,
 * since nobody knows whose clock is right. 0 for what is neither. Not bounded: whoever waits does that.
 */
export function retryAfterOf(value: string | undefined, date: string | undefined): number {
  if (value === undefined) return 0;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const seconds = (Date.parse(value) - Date.parse(date ?? '')) / 1_000;
  return seconds > 0 ? seconds : 0;
}

/** Milliseconds that the other side asked to wait; 0 where it did not say. */
export function toldToWait(error: unknown): number {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Later ? cause.seconds * 1_000 : 0;
}
