import { type ErrorCode, encodeDecisionEvent } from '@caponier/protocol';

/** Milliseconds between two events about refusals of strangers. */
export const REFUSALS_MS = 10_000;

/** Codes counted apart; more than a service has. */
const MAX_CODES = 64;

export interface RefusalCounterOptions {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly wait: (ms: number) => Promise<void>;
  /** Appends an event with this body. */
  readonly append: (body: Uint8Array) => Promise<void>;
}

/**
 * Every refusal is an event, also of what nobody known has signed. Threat: strangers fill the disk with them. Measure: they
 * are counted by code, and the counts are written once in `REFUSALS_MS`, so a day of flood costs some megabytes. What
 * remains: counts of the last seconds are lost when the process is killed.
 */
export class RefusalCounter {
  readonly #options: RefusalCounterOptions;
  readonly #counts = new Map<ErrorCode, number>();
  #from = 0;
  #writing: Promise<void> | null = null;

  constructor(options: RefusalCounterOptions) {
    this.#options = options;
  }

  add(code: ErrorCode): void {
    if (this.#counts.size === 0) this.#from = this.#now();
    if (!this.#counts.has(code) && this.#counts.size >= MAX_CODES) return;
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + 1);
    this.#writing ??= this.#options.wait(REFUSALS_MS).then(() => this.#write());
  }

  /** Writes what is counted. */
  async close(): Promise<void> {
    if (this.#counts.size > 0) await this.#write();
  }

  async #write(): Promise<void> {
    this.#writing = null;
    const counts = [...this.#counts].map(([code, count]) => ({ code, count }));
    if (counts.length === 0) return;
    this.#counts.clear();
    // A count that cannot be written is lost, and what failed will refuse the next decision too.
    await this.#options
      .append(encodeDecisionEvent({ type: 'refusals', from: this.#from, to: this.#now(), counts }))
      .catch(() => {});
  }

  #now(): number {
    return Math.floor(this.#options.clock() / 1000);
  }
}
