import { fromBase64url } from '@caponier/crypto';
import { type ErrorCode, entryOf } from '@caponier/protocol';
import * as z from 'zod/mini';
import type { RelayPort } from '../link/relay-port.ts';
import { jsonBytes, openJson } from '../store/json.ts';
import type { KeyValue } from '../store/key-value.ts';
import { KeyedLock } from '../sync/lock.ts';
import type { Views } from '../views/views.ts';
import { contactsOf } from './contacts.ts';

const key = 'contacts/allowed';
const form = z.array(z.string());

export interface AllowedPorts {
  readonly owner: string;
  readonly store: KeyValue;
  readonly views: Views;
  readonly relay: RelayPort;
  readonly clock: () => number;
  readonly trouble: (where: string, code: ErrorCode) => void;
}

/** Keeps the relay's list of who may reach this device as the owner's grants say: at each connection and each change. */
export class AllowedContacts {
  readonly #ports: AllowedPorts;
  readonly #lock = new KeyedLock();
  readonly #told = new Set<string>();
  #done: Promise<void> = Promise.resolve();

  constructor(ports: AllowedPorts) {
    this.#ports = ports;
  }

  start(): void {
    const { relay, views, owner } = this.#ports;
    relay.onState((state) => {
      if (state === 'connected') this.#begin();
    });
    views.onChange((changed) => {
      if (changed === owner) this.#begin();
    });
  }

  settled(): Promise<void> {
    this.#begin();
    return this.#done;
  }

  #begin(): void {
    const { relay, trouble } = this.#ports;
    if (relay.state !== 'connected') return;
    this.#done = this.#lock
      .run(key, () => this.#agree())
      .catch((error: unknown) => trouble('contacts', entryOf(error).code));
  }

  async #agree(): Promise<void> {
    const { views, relay, clock } = this.#ports;
    const wanted = new Set(contactsOf(views.get().view, clock()).map(({ owner }) => owner));
    const kept = await this.#kept();
    // Noted before it is done: what the relay was told, it can be told to forget, also after a crash between.
    await this.#keep(kept, new Set([...kept, ...wanted]));
    for (const owner of kept) {
      if (wanted.has(owner)) continue;
      await relay.allow(fromBase64url(owner), false);
      this.#told.delete(owner);
    }
    // Once a run at least: a relay that was set up anew knows nothing of what an earlier run told it.
    for (const owner of wanted) {
      if (this.#told.has(owner)) continue;
      await relay.allow(fromBase64url(owner), true);
      this.#told.add(owner);
    }
    await this.#keep(await this.#kept(), wanted);
  }

  async #kept(): Promise<Set<string>> {
    const bytes = await this.#ports.store.get(key);
    return new Set(bytes ? openJson(bytes, form, 'store.damaged') : []);
  }

  async #keep(before: ReadonlySet<string>, after: ReadonlySet<string>): Promise<void> {
    if (before.size === after.size && [...after].every((owner) => before.has(owner))) return;
    await this.#ports.store.put([[key, jsonBytes([...after])]]);
  }
}
