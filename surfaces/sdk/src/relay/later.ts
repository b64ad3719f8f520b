import type { CaponierError } from '@caponier/crypto';
import { type ErrorCode, fail } from '@caponier/protocol';

/** Why a refusal was made comes with it: how long the relay asked to wait. */
class Later extends Error {
  readonly seconds: number;

  constructor(seconds: number) {
    super('later');
    this.seconds = seconds;
  }
}

/** A refusal of the relay, with the seconds after which it says that another try makes sense; 0: it does not say. */
export function refusal(code: ErrorCode, seconds: number): CaponierError {
  return fail(code, 'the relay refused', seconds > 0 ? new Later(seconds) : undefined);
}

/** Milliseconds that the relay asked to wait; 0 where it did not say. */
export function toldToWait(error: unknown): number {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Later ? cause.seconds * 1_000 : 0;
}
