/** Nonces one scope may have open at once; above it `store.full`. */
export const MAX_NONCES_PER_SCOPE = 10_000;

/** Nonces open at once in all; above it `store.full`. */
export const MAX_NONCES = 1_000_000;

/**
 * Nonces of statements already taken. Replay is judged by nonce, never by id: P-256 signatures are malleable, so the
 * same statement can arrive under a second id (design section 3).
 */
export interface ReplayCache {
  /**
   * Takes a nonce: true the first time, false ever after, and durable when it resolves. It is kept until `exp` and the
   * clock skew have passed; the statement is refused as expired from then on. Nothing is dropped earlier to make room
   * (a flood would then reopen what was taken): `store.full` instead, per scope first, so that one party's flood
   * stays its own trouble.
   */
  take(args: {
    /** Who the nonce belongs to: the signing key, or an owner. */
    readonly scope: string;
    readonly nonce: string;
    /** Expiry of the statement, seconds since the epoch. */
    readonly exp: number;
    /** Milliseconds since the epoch. */
    readonly now: number;
  }): Promise<boolean>;
}
