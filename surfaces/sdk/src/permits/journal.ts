import type { Verified } from '@caponier/protocol';
import * as z from 'zod/mini';
import type { LogEntry } from '../device/types.ts';
import { jsonBytes, openJson, sortable } from '../store/json.ts';
import type { KeyValue } from '../store/key-value.ts';
import { KeyedLock } from '../sync/lock.ts';

/** Requests of this device that are remembered; above it the oldest go. */
const maxJournal = 10_000;

const prefix = 'journal/';
const form = z.strictObject({
  request: z.string(),
  at: z.int(),
  agent: z.nullable(z.string()),
  op: z.string(),
  resource: z.string(),
  decision: z.nullable(z.enum(['allow', 'deny', 'ask'])),
  result: z.nullable(z.enum(['done', 'refused', 'unknown'])),
  code: z.string(),
});

/** What this device asked for and what came of it: its own record, beside the services' chains of events. */
export class Journal {
  readonly #store: KeyValue;
  readonly #clock: () => number;
  readonly #lock = new KeyedLock();
  readonly #keys = new Map<string, string>();

  constructor(store: KeyValue, clock: () => number) {
    this.#store = store;
    this.#clock = clock;
  }

  async asked({ agent, op, resource }: Verified<'request'>['payload'], request: string): Promise<void> {
    const at = this.#clock();
    const key = `${prefix}${sortable(at)}/${request}`;
    this.#keys.set(request, key);
    const entry: LogEntry = { request, at, agent, op, resource, decision: null, result: null, code: '' };
    await this.#store.put([[key, jsonBytes(entry)]]);
  }

  decided(request: string, decision: NonNullable<LogEntry['decision']>, code: string): Promise<void> {
    return this.#change(request, { decision, code });
  }

  ended(request: string, result: NonNullable<LogEntry['result']>, code: string): Promise<void> {
    return this.#change(request, { result, code });
  }

  failed(request: string, code: string): Promise<void> {
    return this.#change(request, { code });
  }

  #change(request: string, change: Partial<LogEntry>): Promise<void> {
    return this.#lock.run(request, async () => {
      const key = this.#keys.get(request);
      const bytes = key && (await this.#store.get(key));
      if (key && bytes)
        await this.#store.put([[key, jsonBytes({ ...openJson(bytes, form, 'store.damaged'), ...change })]]);
      if (change.result !== undefined) this.#keys.delete(request);
    });
  }

  /** Newest first. */
  async list(limit = maxJournal): Promise<LogEntry[]> {
    const entries = await this.#store.list(prefix);
    if (entries.length > maxJournal) await this.#store.delete(...entries.slice(0, -maxJournal).map(([key]) => key));
    return entries
      .slice(-limit)
      .reverse()
      .map(([, bytes]) => openJson(bytes, form, 'store.damaged'));
  }
}
