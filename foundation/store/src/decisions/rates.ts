import { fail } from '@caponier/protocol';
import { MAX_RATES, SUBMISSIONS } from './limits.ts';

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * How often each agent or device may ask. Threat: one that is known, and so has an event for every refusal, fills the disk
 * and the log. Each has a bucket of its own, so a flood is its own trouble.
 */
export class Rates {
  readonly #buckets = new Map<string, Bucket>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Takes one. Throws `host.rate_limited`. */
  take(subject: string): void {
    const now = this.#clock();
    const { tokens, at } = this.#buckets.get(subject) ?? { tokens: SUBMISSIONS.burst, at: now };
    const filled = Math.min(SUBMISSIONS.burst, tokens + (Math.max(0, now - at) * SUBMISSIONS.perMinute) / 60_000);
    this.#buckets.delete(subject);
    if (this.#buckets.size >= MAX_RATES) this.#buckets.delete(this.#buckets.keys().next().value as string);
    this.#buckets.set(subject, { tokens: Math.max(0, filled - 1), at: now });
    if (filled < 1) throw fail('host.rate_limited', 'submissions of one agent');
  }
}
