import type { ErrorCode } from '@caponier/protocol';
import type { RelayLimits } from '../limits.ts';
import type { RelayAlert, RelayFields, RelayLog } from '../log.ts';
import type { RelayCounterValue, RelayMeter } from '../meter.ts';
import { Buckets } from '../rates.ts';

/** Lines a minute about a store that fails: it fails for every message. */
const failureLines = 6;
/** Of all lines about one kind, the part that may be about one owner or address: whoever makes noise hides nobody else. */
const share = 1 / 8;
/** Owners and addresses whose lines are counted. */
const mostWhom = 10_000;

/** Where alerts go: lines of the log, of which there are only so many, and somebody who hears of each. */
export interface AlertsTo {
  readonly log: RelayLog;
  readonly alert: RelayLog;
}

/**
 * What the operator is told at once: counted and handed on in any case, and of each kind only so many lines a minute in the
 * log, few of them about the same owner.
 */
export class Alerts {
  readonly #to: AlertsTo;
  readonly #meter: RelayMeter;
  readonly #clock: () => number;
  readonly #lines: Buckets;
  readonly #own: Buckets;
  readonly #failures: Buckets;
  #unlogged = 0;
  #failed = 0;

  constructor(limits: RelayLimits, to: AlertsTo, meter: RelayMeter, clock: () => number) {
    this.#to = to;
    this.#meter = meter;
    this.#clock = clock;
    const { logLinesPerMinute: lines } = limits;
    this.#lines = new Buckets({ burst: lines, perMinute: lines }, 16);
    const few = Math.ceil(lines * share);
    this.#own = new Buckets({ burst: few, perMinute: few }, mostWhom);
    this.#failures = new Buckets({ burst: failureLines, perMinute: failureLines }, 1);
  }

  raise(event: RelayAlert, fields: RelayFields): void {
    this.#meter.add('alerts', event.slice('relay.'.length) as RelayCounterValue<'alerts'>);
    this.#to.alert(event, fields);
    if (this.#mayLog(event, fields)) this.#to.log(event, fields);
    else {
      this.#meter.add('limit_hits', 'logLinesPerMinute');
      this.#unlogged += 1;
    }
  }

  #mayLog(event: RelayAlert, { owner, address }: RelayFields): boolean {
    const now = this.#clock();
    const whom = owner ?? address;
    return (whom === undefined || this.#own.take(`${event} ${whom}`, now)) && this.#lines.take(event, now);
  }

  /** The store could not do what was asked. */
  storageFailed(code: ErrorCode): void {
    this.#failed += 1;
    this.#to.alert('relay.storage_failed', { code });
    if (!this.#failures.take('all', this.#clock())) return;
    this.#to.log('relay.storage_failed', { code, count: this.#failed });
    this.#failed = 0;
  }

  /** Lines that were left out since this was asked last. */
  takeUnlogged(): number {
    const unlogged = this.#unlogged;
    this.#unlogged = 0;
    return unlogged;
  }
}
