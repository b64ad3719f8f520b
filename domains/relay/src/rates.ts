/** A rate with a burst, counted back on reading: no timer a bucket. */
export interface Bucket {
  tokens: number;
  /** When `tokens` was right, in milliseconds. */
  at: number;
}

export interface Rate {
  readonly burst: number;
  readonly perMinute: number;
}

export function fullBucket(rate: Rate, now: number): Bucket {
  return { tokens: rate.burst, at: now };
}

function settle(bucket: Bucket, rate: Rate, now: number): void {
  // A clock that steps back gives nothing and takes nothing.
  const passed = Math.max(0, now - bucket.at);
  bucket.tokens = Math.min(rate.burst, bucket.tokens + (passed * rate.perMinute) / 60_000);
  bucket.at = now;
}

/** Takes one token, or says that there is none. */
export function take(bucket: Bucket, rate: Rate, now: number): boolean {
  settle(bucket, rate, now);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/** Whole seconds until there is a token again; 0 where there is one. */
export function secondsToNext(bucket: Bucket, rate: Rate, now: number): number {
  settle(bucket, rate, now);
  return Math.ceil((Math.max(0, 1 - bucket.tokens) * 60) / rate.perMinute);
}

function giveBack(bucket: Bucket, rate: Rate): void {
  bucket.tokens = Math.min(rate.burst, bucket.tokens + 1);
}

function isEmpty(bucket: Bucket, rate: Rate, now: number): boolean {
  settle(bucket, rate, now);
  return bucket.tokens < 1;
}

interface Attempts {
  readonly challenges: Bucket;
  readonly failures: Bucket;
  /** Connections from here that have proven nothing yet. */
  strangers: number;
}

/**
 * What strangers have cost, by address group. Bounded: the address forgotten first is the one that came first, unless it
 * has connections open.
 */
export class AddressBook {
  readonly #rates: { readonly challenges: Rate; readonly failures: Rate };
  readonly #most: number;
  readonly #groups = new Map<string, Attempts>();

  constructor(challengesPerMinute: number, failuresPerMinute: number, most: number) {
    this.#rates = {
      challenges: { burst: challengesPerMinute, perMinute: challengesPerMinute },
      failures: { burst: failuresPerMinute, perMinute: failuresPerMinute },
    };
    this.#most = most;
  }

  get size(): number {
    return this.#groups.size;
  }

  #of(group: string, now: number): Attempts {
    const known = this.#groups.get(group);
    if (known) return known;
    if (this.#groups.size >= this.#most) {
      for (const [name, { strangers }] of this.#groups) {
        if (strangers > 0) continue;
        this.#groups.delete(name);
        break;
      }
    }
    const made = {
      challenges: fullBucket(this.#rates.challenges, now),
      failures: fullBucket(this.#rates.failures, now),
      strangers: 0,
    };
    this.#groups.set(group, made);
    return made;
  }

  takeChallenge(group: string, now: number): boolean {
    return take(this.#of(group, now).challenges, this.#rates.challenges, now);
  }

  giveBackChallenge(group: string, now: number): void {
    giveBack(this.#of(group, now).challenges, this.#rates.challenges);
  }

  /** Counts a failed proof. */
  failed(group: string, now: number): void {
    take(this.#of(group, now).failures, this.#rates.failures, now);
  }

  /** True when this address has failed too often of late. */
  isBarred(group: string, now: number): boolean {
    return isEmpty(this.#of(group, now).failures, this.#rates.failures, now);
  }

  strangers(group: string, now: number): number {
    return this.#of(group, now).strangers;
  }

  addStranger(group: string, by: 1 | -1, now: number): void {
    this.#of(group, now).strangers += by;
  }

  /** Forgets addresses that have all their attempts again: nobody stays in memory for having knocked once. */
  sweep(now: number): void {
    for (const [group, { challenges, failures, strangers }] of this.#groups) {
      settle(challenges, this.#rates.challenges, now);
      settle(failures, this.#rates.failures, now);
      const full = challenges.tokens >= this.#rates.challenges.burst && failures.tokens >= this.#rates.failures.burst;
      if (full && strangers === 0) this.#groups.delete(group);
    }
  }
}
