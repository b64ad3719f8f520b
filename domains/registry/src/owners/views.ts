import { fail, verifyStatement } from '@caponier/protocol';
import { type ChainEntry, type OwnerView, replayChain } from '@caponier/verify';
import { MAX_CACHED_VIEWS, MAX_CHAIN_PAGE, MAX_STANDING_FREEZES } from '../limits.ts';
import type { RegistryStore } from '../store.ts';

/** The newest view of each owner, replayed from the store when it is not in memory: what a new statement is judged by. */
export class OwnerViews {
  readonly #store: RegistryStore;
  /** In the order of use, oldest first. */
  readonly #recent = new Map<string, OwnerView>();

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  /** Undefined for an owner that is not in the log. */
  async get(owner: string): Promise<OwnerView | undefined> {
    const view = this.#recent.get(owner) ?? (await this.#load(owner));
    // While it was read, somebody may have appended: then theirs is newer.
    if (view) this.set(this.#recent.get(owner) ?? view);
    return this.#recent.get(owner);
  }

  /** A newer view. Freezes that arrived while it was made are in the view it replaces, and stay. */
  set(view: OwnerView): void {
    const freezes = this.#recent.get(view.id)?.freezes() ?? [];
    this.#recent.delete(view.id);
    this.#recent.set(
      view.id,
      freezes.reduce((newer, freeze) => newer.recallFreeze(freeze), view),
    );
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= MAX_CACHED_VIEWS) break;
      this.#recent.delete(oldest);
    }
  }

  async #load(owner: string): Promise<OwnerView | undefined> {
    const entries: ChainEntry[] = [];
    for (;;) {
      const page = await this.#store.chain({ owner, from: entries.length, limit: MAX_CHAIN_PAGE });
      entries.push(...page);
      if (page.length < MAX_CHAIN_PAGE) break;
    }
    if (entries.length === 0) return undefined;
    let view: OwnerView;
    try {
      view = replayChain(entries);
    } catch (error) {
      throw fail('store.damaged', 'a stored chain does not replay', error);
    }
    for (const { statement } of await this.#store.freezes({ owner, after: '', limit: MAX_STANDING_FREEZES })) {
      view = view.recallFreeze(verifyStatement(statement, 'freeze'));
    }
    return view;
  }
}
