import { fromBase64url } from '@caponier/crypto';
import { type Did, type ErrorCode, entryOf, keyOf, type Verdict } from '@caponier/protocol';
import * as z from 'zod/mini';
import type { RelayPort } from '../link/relay-port.ts';
import { jsonBytes, openJson } from '../store/json.ts';
import type { KeyValue } from '../store/key-value.ts';
import { KeyedLock } from '../sync/lock.ts';
import type { Views } from '../views/views.ts';
import type { BlockList } from './blocked.ts';
import { contactsOf } from './contacts.ts';

const key = 'contacts/told';
/** What the relay was told of: owners by their id, devices by their key's name. */
const form = z.array(z.string());

export interface AllowedPorts {
  readonly owner: string;
  readonly store: KeyValue;
  readonly views: Views;
  readonly relay: RelayPort;
  readonly blocked: BlockList;
  readonly clock: () => number;
  readonly trouble: (where: string, code: ErrorCode) => void;
}

/**
 * Keeps the relay's list of who may reach this device as the owner's grants and this device's blocks say: at each
 * connection and each change.
 */
export class AllowedContacts {
  readonly #ports: AllowedPorts;
  readonly #lock = new KeyedLock();
  readonly #told = new Map<string, Verdict>();
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

  #wanted(): Map<string, Verdict> {
    const { views, blocked, clock } = this.#ports;
    const wanted = new Map<string, Verdict>();
    for (const { owner } of contactsOf(views.get().view, clock())) wanted.set(owner, 'allow');
    for (const name of [...blocked.owners, ...blocked.devices]) wanted.set(name, 'block');
    return wanted;
  }

  async #agree(): Promise<void> {
    const wanted = this.#wanted();
    const names = new Set(wanted.keys());
    const kept = await this.#kept();
    // Noted before it is done: what the relay was told, it can be told to forget, also after a crash between.
    await this.#keep(kept, new Set([...kept, ...names]));
    for (const name of kept) {
      if (wanted.has(name)) continue;
      await this.#tell(name, 'forget');
      this.#told.delete(name);
    }
    // Once a run at least: a relay that was set up anew knows nothing of what an earlier run told it.
    for (const [name, verdict] of wanted) {
      if (this.#told.get(name) === verdict) continue;
      await this.#tell(name, verdict);
      this.#told.set(name, verdict);
    }
    await this.#keep(await this.#kept(), names);
  }

  #tell(name: string, verdict: Verdict): Promise<void> {
    const { relay } = this.#ports;
    if (name.startsWith('did:')) return relay.judge('device', keyOf(name as Did, 'ed25519'), verdict);
    return relay.judge('owner', fromBase64url(name), verdict);
  }

  async #kept(): Promise<Set<string>> {
    const bytes = await this.#ports.store.get(key);
    return new Set(bytes ? openJson(bytes, form, 'store.damaged') : []);
  }

  async #keep(before: ReadonlySet<string>, after: ReadonlySet<string>): Promise<void> {
    if (before.size === after.size && [...after].every((name) => before.has(name))) return;
    await this.#ports.store.put([[key, jsonBytes([...after])]]);
  }
}
