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

  /**
   * Throws `owner.not_authorised` where the key is no approver of the owner.
   *
   * Threat: whoever makes up a key freezes owners with long chains, one after another, and each replay is as many signatures.
   * Measure: approvers are kept beside the chain, and a stranger costs one read.
   */
  async demandApprover(owner: string, key: string): Promise<void> {
    const known = await this.#store.approvers(owner);
    if (known && !known.includes(key)) throw fail('owner.not_authorised', 'freeze by no approver');
    if (known) return;
    const view = await this.get(owner);
    if (view) await this.#store.recallApprovers({ owner, keys: approversOf(view) });
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

/** Whose freezes {@link OwnerView.withFreeze} takes. */
export function approversOf(view: OwnerView): string[] {
  return view.approvers().map(({ key }) => key);
}
