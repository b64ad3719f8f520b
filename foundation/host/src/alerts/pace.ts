import { createRateLimiter, type RateLimiter } from '../listen/rate-limiter.ts';
import type { AlertKind } from './kinds.ts';

/** Alerts of one kind at once, and a minute, sustained; what is above waits and is counted into the next. */
const ALERT_BURST = 5;
const ALERTS_PER_MINUTE = 1;

/** What was held back, of one kind: how many, and what the last one said. */
export interface Held<F> {
  readonly kind: AlertKind;
  readonly count: number;
  readonly fields: F;
}

/**
 * Threat: whoever can cause an event (a new owner, a refused connection) can cause a million, and would have us flood the
 * operator, or the operator's chat provider. Measure: each kind has a pace of its own, and what is above it is counted, not
 * sent. What remains: of a burst the operator sees the first few, the last, and a number. The log may have more of it, and
 * is bounded, too.
 */
export class Pace<F> {
  readonly #rate: RateLimiter;
  readonly #held = new Map<AlertKind, { count: number; fields: F }>();

  constructor(clock: () => number) {
    this.#rate = createRateLimiter({ perMinute: ALERTS_PER_MINUTE, burst: ALERT_BURST, clock });
  }

  /** How many events the alert stands for that may go now; 0 where it has to wait. */
  take(kind: AlertKind, fields: F): number {
    const held = this.#held.get(kind)?.count ?? 0;
    if (this.#rate.take(kind)) {
      this.#held.delete(kind);
      return held + 1;
    }
    this.#held.set(kind, { count: held + 1, fields });
    return 0;
  }

  /** What was held back and may go by now. */
  due(): Held<F>[] {
    return this.#give((kind) => this.#rate.take(kind));
  }

  /** All that was held back, for the end. */
  rest(): Held<F>[] {
    return this.#give(() => true);
  }

  #give(may: (kind: AlertKind) => boolean): Held<F>[] {
    const given: Held<F>[] = [];
    for (const [kind, { count, fields }] of [...this.#held]) {
      if (!may(kind)) continue;
      this.#held.delete(kind);
      given.push({ kind, count, fields });
    }
    return given;
  }
}
