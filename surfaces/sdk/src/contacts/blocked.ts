import type { Did } from '@caponier/protocol';
import * as z from 'zod/mini';
import { jsonBytes, openJson } from '../store/json.ts';
import type { KeyValue } from '../store/key-value.ts';

/** Whom this device does not want to hear: a whole owner, or one device. */
export type Blocked = { readonly owner: string } | { readonly device: Did };

const key = 'contacts/blocked';
/** Entries at most: the relay has room for so many beside the contacts. */
const most = 256;
const form = z.strictObject({ owners: z.array(z.string()), devices: z.array(z.string()) });

/** The list of whom this device blocks: its own, whatever the relay makes of it. */
export class BlockList {
  readonly #store: KeyValue;
  #owners = new Set<string>();
  #devices = new Set<string>();

  constructor(store: KeyValue) {
    this.#store = store;
  }

  async load(): Promise<void> {
    const bytes = await this.#store.get(key);
    if (!bytes) return;
    const { owners, devices } = openJson(bytes, form, 'store.damaged');
    this.#owners = new Set(owners);
    this.#devices = new Set(devices);
  }

  get owners(): ReadonlySet<string> {
    return this.#owners;
  }

  get devices(): ReadonlySet<string> {
    return this.#devices;
  }

  has(owner: string, device: Did): boolean {
    return this.#owners.has(owner) || this.#devices.has(device);
  }

  /** Durable when it resolves. False where there is no room for one more. */
  async set(who: Blocked, blocked: boolean): Promise<boolean> {
    const [set, name] = 'owner' in who ? [this.#owners, who.owner] : [this.#devices, who.device as string];
    if (blocked && !set.has(name) && this.#owners.size + this.#devices.size >= most) return false;
    if (blocked) set.add(name);
    else set.delete(name);
    await this.#store.put([[key, jsonBytes({ owners: [...this.#owners], devices: [...this.#devices] })]]);
    return true;
  }
}
