import { fail } from '@caponier/protocol';
import { GROUP_SUBMISSIONS, MAX_RATES, SUBMISSIONS } from './limits.ts';

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * How often each agent or device may ask. Threat: one that is known, and so has an event for every refusal, fills the disk
 * and the log. Each has a bucket of its own, so a flood is its own trouble. A device may name as many agents as it likes, and
 * a contact enrol as many devices: these have one bucket together, too.
 */
export class Rates {
  readonly #buckets = new Map<string, Bucket>();
  readonly #clock: () => number;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Takes one. Throws `host.rate_limited`. */
  take(owner: string, subject: string, group: string): void {
    // The group first: names made up by a group that is spent do not push others out of memory.
    this.#take(`${owner} group ${group}`, GROUP_SUBMISSIONS);
    this.#take(`${owner} ${subject}`, SUBMISSIONS);
  }

  #take(name: string, { burst, perMinute }: { readonly burst: number; readonly perMinute: number }): void {
    const now = this.#clock();
    const { tokens, at } = this.#buckets.get(name) ?? { tokens: burst, at: now };
    const filled = Math.min(burst, tokens + (Math.max(0, now - at) * perMinute) / 60_000);
    this.#buckets.delete(name);
    if (this.#buckets.size >= MAX_RATES) this.#buckets.delete(this.#buckets.keys().next().value as string);
    this.#buckets.set(name, { tokens: Math.max(0, filled - 1), at: now });
    if (filled < 1) throw fail('host.rate_limited', 'submissions of one agent');
  }
}
