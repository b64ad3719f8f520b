import { mostAtOnce, type Steps } from './rounds.ts';

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

/** As a bucket is kept over a restart; `tokens` null: it is full again. */
export interface KeptBucket {
  readonly key: string;
  readonly tokens: number | null;
  readonly at: number;
}

function settle(bucket: Bucket, rate: Rate, now: number): void {
  // A clock that steps back gives nothing and takes nothing.
  const passed = Math.max(0, now - bucket.at);
  bucket.tokens = Math.min(rate.burst, bucket.tokens + (passed * rate.perMinute) / 60_000);
  bucket.at = now;
}

/**
 * Buckets of one rate, by what it counts by. One that is full is not kept: nobody stays in memory for having knocked once,
 * and a device that is quiet costs nothing here. Bounded: above `most` the one that came first is forgotten.
 */
export class Buckets {
  readonly #rate: Rate;
  readonly #most: number;
  readonly #full: () => void;
  readonly #buckets = new Map<string, Bucket>();
  /** Keys that changed since they were kept last, and those that are kept. */
  readonly #changed = new Set<string>();
  readonly #kept = new Set<string>();
  #sweeping: Iterator<[string, Bucket]> | null = null;

  /** `full` is called for each that is forgotten because there are too many. */
  constructor(rate: Rate, most: number, full: () => void = () => {}) {
    this.#rate = rate;
    this.#most = most;
    this.#full = full;
  }

  get size(): number {
    return this.#buckets.size;
  }

  /** Milliseconds after which a bucket is full, whatever was taken. */
  get fullAfter(): number {
    return (this.#rate.burst / this.#rate.perMinute) * 60_000;
  }

  /** Takes tokens, or says that there are not as many. */
  take(key: string, now: number, tokens = 1): boolean {
    const bucket = this.#of(key, now);
    if (bucket.tokens < tokens) return false;
    bucket.tokens -= tokens;
    this.#changed.add(key);
    return true;
  }

  /** Gives one back: what ended well does not count. */
  giveBack(key: string, now: number): void {
    const bucket = this.#buckets.get(key);
    if (!bucket) return;
    settle(bucket, this.#rate, now);
    bucket.tokens = Math.min(this.#rate.burst, bucket.tokens + 1);
    this.#changed.add(key);
  }

  /** Whole seconds until there is a token; 0 where there is one. */
  secondsUntil(key: string, now: number): number {
    const bucket = this.#buckets.get(key);
    if (!bucket) return 0;
    settle(bucket, this.#rate, now);
    return Math.ceil((Math.max(0, 1 - bucket.tokens) * 60) / this.#rate.perMinute);
  }

  isEmpty(key: string, now: number): boolean {
    return this.secondsUntil(key, now) > 0;
  }

  #of(key: string, now: number): Bucket {
    const known = this.#buckets.get(key);
    if (known) {
      settle(known, this.#rate, now);
      return known;
    }
    if (this.#buckets.size >= this.#most) {
      this.#full();
      this.#forget(this.#buckets.keys().next().value as string);
    }
    const made = { tokens: this.#rate.burst, at: now };
    this.#buckets.set(key, made);
    return made;
  }

  #forget(key: string): void {
    this.#buckets.delete(key);
    if (this.#kept.has(key)) this.#changed.add(key);
    else this.#changed.delete(key);
  }

  /** Looks at `most` buckets, the next ones each time, and forgets those that are full again. False at the last one. */
  sweep(now: number, most = 5_000): boolean {
    this.#sweeping ??= this.#buckets.entries();
    for (let n = 0; n < most; n++) {
      const next = this.#sweeping.next();
      if (next.done) {
        this.#sweeping = null;
        return false;
      }
      const [key, bucket] = next.value;
      settle(bucket, this.#rate, now);
      if (bucket.tokens >= this.#rate.burst) this.#forget(key);
    }
    return true;
  }

  /** The same in steps (`Rounds`), at most ten of them. */
  *round(clock: () => number): Steps {
    for (let n = 0; n < 10 && this.sweep(clock(), mostAtOnce); n++) yield;
  }

  /** What changed since this was asked last, at most `most` of it; the rest the next time. */
  changes(most: number): KeptBucket[] {
    const rows: KeptBucket[] = [];
    for (const key of this.#changed) {
      if (rows.length >= most) break;
      this.#changed.delete(key);
      const { tokens, at } = this.#buckets.get(key) ?? { tokens: this.#rate.burst, at: 0 };
      const isFull = tokens >= this.#rate.burst;
      if (!isFull) this.#kept.add(key);
      else if (!this.#kept.delete(key)) continue;
      rows.push({ key, tokens: isFull ? null : tokens, at });
    }
    return rows;
  }

  /** What was not kept after all is asked for again. */
  again(rows: readonly KeptBucket[]): void {
    for (const { key } of rows) {
      this.#kept.add(key);
      this.#changed.add(key);
    }
  }

  /** Takes from each bucket what had been taken from it before a restart. */
  restore(rows: readonly KeptBucket[], now: number): void {
    for (const { key, tokens, at } of rows) {
      this.#kept.add(key);
      const before = { tokens: tokens ?? this.#rate.burst, at };
      settle(before, this.#rate, now);
      const bucket = this.#of(key, now);
      bucket.tokens = Math.max(0, bucket.tokens - (this.#rate.burst - before.tokens));
    }
  }
}
