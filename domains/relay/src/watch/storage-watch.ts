import { type ErrorCode, entryOf } from '@caponier/protocol';
import type { RelayLimits } from '../limits.ts';
import type { RelayMeter } from '../meter.ts';
import type { Fullness } from '../store/door.ts';
import type { RelayStore } from '../store/open.ts';
import type { Alerts } from './alerts.ts';

/** Percent below the alert at which there is room again: so that a store at the mark does not tell every minute. */
const roomAgain = 5;
/** Milliseconds for which an answer of the store counts: whoever asks for readiness in a loop asks nothing of the store. */
const answeredMs = 1_000;

/** Looks how full the store is, and whether it answers. */
export class StorageWatch {
  readonly #store: RelayStore;
  readonly #limits: RelayLimits;
  readonly #alerts: Alerts;
  readonly #meter: RelayMeter;
  readonly #clock: () => number;
  #newest: Fullness | null = null;
  #looking = false;
  #told = false;
  #asked: { readonly at: number; readonly answer: Promise<boolean> } | null = null;

  constructor(store: RelayStore, limits: RelayLimits, alerts: Alerts, meter: RelayMeter, clock: () => number) {
    this.#store = store;
    this.#limits = limits;
    this.#alerts = alerts;
    this.#meter = meter;
    this.#clock = clock;
  }

  /** As of the last look; null before the first. */
  get newest(): Fullness | null {
    return this.#newest;
  }

  look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.#store
      .run('fullness')
      .then((fullness) => this.#judge(fullness))
      .catch((error: unknown) => this.#alerts.storageFailed(entryOf(error).code as ErrorCode))
      .finally(() => {
        this.#looking = false;
      });
  }

  #judge(fullness: Fullness): void {
    this.#newest = fullness;
    const value = Math.floor((100 * fullness.pages) / fullness.mostPages);
    const { storageAlertPercent } = this.#limits;
    if (value < storageAlertPercent - roomAgain) this.#told = false;
    if (value < storageAlertPercent || this.#told) return;
    this.#told = true;
    this.#meter.add('limit_hits', 'storageAlertPercent');
    this.#alerts.raise('relay.storage', { value });
  }

  answers(): Promise<boolean> {
    const now = this.#clock();
    if (!this.#asked || Math.abs(now - this.#asked.at) >= answeredMs) {
      const answer = this.#store.read('answers').then(
        () => true,
        () => false,
      );
      this.#asked = { at: now, answer };
    }
    return this.#asked.answer;
  }
}
