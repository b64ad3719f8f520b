import { type ErrorCode, fail, limits } from '@caponier/protocol';

/** Seconds for which a request may be good: an `ask` may wait a day for its person. */
export const maxRequestSeconds = 24 * 3600;
/** Seconds for which a proof of use may be good. */
export const maxUseSeconds = 300;

interface Timed {
  readonly iat: number;
  readonly exp: number;
}

/** Throws `code` unless now lies between issue and expiry, give or take the skew of clocks. `now` in milliseconds. */
export function requireTime({ iat, exp }: Timed, now: number, code: ErrorCode, most = Number.POSITIVE_INFINITY): void {
  const second = Math.floor(now / 1000);
  if (exp <= iat || exp - iat > most) throw fail(code, 'lifetime');
  if (second + limits.clockSkewSeconds < iat) throw fail(code, 'from the future');
  if (second - limits.clockSkewSeconds > exp) throw fail(code, 'past');
}

/** The request itself, and every delegation that it stands on. Throws `request.expired`, `request.delegation_expired`. */
export function checkRequestTimes(request: Timed, delegations: readonly Timed[], now: number): void {
  requireTime(request, now, 'request.expired', maxRequestSeconds);
  for (const delegation of delegations) requireTime(delegation, now, 'request.delegation_expired');
}
