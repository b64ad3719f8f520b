/** Keys whose state is kept; above it the one seen longest ago is forgotten, and starts with a full bucket again. */
const MAX_KEYS = 65_536;

interface Bucket {
  tokens: number;
  /** When `tokens` was true, milliseconds. */
  at: number;
}

export interface RateLimiterOptions {
  /** What one key may do in a minute, sustained. */
  readonly perMinute: number;
  /** What it may do at once. */
  readonly burst: number;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Default 65,536. */
  readonly maxKeys?: number;
}

/** Counts by key in a token bucket each. Memory is bounded by the number of keys, whoever makes them up. */
export interface RateLimiter {
  /** Takes one; false where there is none left. */
  take(key: string): boolean;
  /** Gives one back: what succeeded does not count. */
  giveBack(key: string): void;
  /** Whole seconds until one is there again; at least 1. */
  secondsUntil(key: string): number;
}

export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { burst, clock, maxKeys = MAX_KEYS } = options;
  const perMillisecond = options.perMinute / 60_000;
  const buckets = new Map<string, Bucket>();
  const bucketOf = (key: string): Bucket => {
    const now = clock();
    const known = buckets.get(key);
    // Set again, so that the map's order is the order of use.
    if (known) buckets.delete(key);
    else if (buckets.size >= maxKeys) buckets.delete(buckets.keys().next().value as string);
    const bucket = known ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + Math.max(0, now - bucket.at) * perMillisecond);
    bucket.at = now;
    buckets.set(key, bucket);
    return bucket;
  };
  return {
    take(key) {
      const bucket = bucketOf(key);
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
    giveBack(key) {
      const bucket = bucketOf(key);
      bucket.tokens = Math.min(burst, bucket.tokens + 1);
    },
    secondsUntil(key) {
      const missing = Math.max(0, 1 - bucketOf(key).tokens);
      return Math.max(1, Math.ceil(missing / perMillisecond / 1000));
    },
  };
}
