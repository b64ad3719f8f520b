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
    const { store, views, relay, clock } = this.#ports;
    const wanted = new Set(contactsOf(views.get().view, clock()).map(({ owner }) => owner));
    const bytes = await store.get(key);
    const told = new Set(bytes ? openJson(bytes, form, 'store.damaged') : []);
    for (const owner of wanted) {
      if (told.has(owner)) continue;
      await relay.allow(fromBase64url(owner), true);
      told.add(owner);
    }
    for (const owner of [...told]) {
      if (wanted.has(owner)) continue;
      await relay.allow(fromBase64url(owner), false);
      told.delete(owner);
    }
    await store.put([[key, jsonBytes([...told])]]);
  }
}
