import { fail } from '@caponier/protocol';
import type { OwnerView } from '@caponier/verify';
import * as z from 'zod/mini';
import { maxServiceStatements, openServices } from '../directory/directory.ts';
import { jsonBytes, openJson } from '../store/json.ts';
import type { KeyValue } from '../store/key-value.ts';

const key = 'services';
const form = z.array(z.string());

/** `service` statements that this device was shown: those of its start, and newer ones. */
export class KnownServices {
  readonly #store: KeyValue;
  #statements: readonly string[];

  private constructor(store: KeyValue, statements: readonly string[]) {
    this.#store = store;
    this.#statements = statements;
  }

  static async open(store: KeyValue, start: readonly string[]): Promise<KnownServices> {
    const bytes = await store.get(key);
    const kept = bytes ? openJson(bytes, form, 'store.damaged') : [];
    const all = [...start, ...kept.filter((jws) => !start.includes(jws))];
    openServices(all);
    return new KnownServices(store, all);
  }

  get statements(): readonly string[] {
    return this.#statements;
  }

  /** Takes statements of the owner's operators. Throws `statement.*`, `owner.not_authorised`. */
  async learn(statements: readonly string[], view: OwnerView): Promise<void> {
    const opened = openServices(statements);
    if (opened.some(({ kid }) => !view.isOperator(kid))) throw fail('owner.not_authorised', 'not an operator');
    const known = this.#statements.filter((jws) => !statements.includes(jws));
    // The newest last: the directory looks at the end first.
    const next = [...known, ...opened.map(({ jws }) => jws)].slice(-maxServiceStatements);
    await this.#store.put([[key, jsonBytes(next)]]);
    this.#statements = next;
  }
}
