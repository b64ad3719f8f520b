import { type ErrorCode, entryOf } from '@caponier/protocol';
import type { Buckets, KeptBucket } from '../rates.ts';
import type { ChangedRates } from '../store/door.ts';
import type { RelayStore } from '../store/open.ts';

/** Buckets of one kind that are written at once, at most; the rest goes with the next look. */
const mostRows = 2_000;

const toKey = (bytes: Uint8Array) => String.fromCharCode(...bytes);

/**
 * Keeps rates over a restart.
 *
 * Threat: whoever can crash the relay, or waits for its restarts, gets all attempts anew. Measure: what was taken is written
 * every few seconds, with the relay's end, and at once for an address that has no failures left. What remains after a kill
 * -9: what was taken since the last write, five seconds at most, is taken for not taken; so an address has at most four
 * failures and ten challenges more, a device one burst of mail, and never more than one burst a crash.
 */
export class RateKeeper {
  readonly #store: RelayStore;
  readonly #clock: () => number;
  readonly #kinds: Readonly<Record<string, Buckets>>;
  readonly #failed: (code: ErrorCode) => void;
  #saving = false;
  #again = false;

  /** `kinds`: by the name under which each is kept. */
  constructor(
    store: RelayStore,
    clock: () => number,
    kinds: Readonly<Record<string, Buckets>>,
    failed: (code: ErrorCode) => void,
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#kinds = kinds;
    this.#failed = failed;
  }

  /** Takes up what was kept. Resolves in any case: a store that fails is told, and rates begin full. */
  async load(most: number): Promise<void> {
    try {
      await Promise.all(
        Object.entries(this.#kinds).map(async ([kind, buckets]) => {
          const since = Math.floor(this.#clock() - buckets.fullAfter);
          const rows = await this.#store.run('keptRates', { kind, since, most });
          buckets.restore(
            rows.map(({ key, tokens, at }) => ({ key: toKey(key), tokens, at })),
            this.#clock(),
          );
        }),
      );
    } catch (error) {
      this.#failed(entryOf(error).code);
    }
  }

  /** Writes what changed. While that is under way, another call makes it happen once more. */
  save(): void {
    this.#again = true;
    if (!this.#saving) void this.#saveAll();
  }

  async #saveAll(): Promise<void> {
    this.#saving = true;
    while (this.#again) {
      this.#again = false;
      await this.#write();
    }
    this.#saving = false;
  }

  /** Hands everything to the store at once: it closes next, and finishes what waits. */
  end(): void {
    void this.#write();
  }

  async #write(): Promise<void> {
    const taken: { readonly buckets: Buckets; readonly rows: KeptBucket[] }[] = [];
    const rates: Record<string, ChangedRates> = {};
    for (const [kind, buckets] of Object.entries(this.#kinds)) {
      const rows = buckets.changes(mostRows);
      if (rows.length === 0) continue;
      taken.push({ buckets, rows });
      rates[kind] = {
        keys: rows.map(({ key }) => key),
        tokens: rows.map(({ tokens }) => tokens),
        at: rows.map(({ at }) => at),
      };
    }
    if (taken.length === 0) return;
    try {
      await this.#store.run('keepRates', { rates });
    } catch (error) {
      for (const { buckets, rows } of taken) buckets.again(rows);
      this.#failed(entryOf(error).code);
    }
  }
}
