import { CaponierError } from '@caponier/crypto';
import { claimedKind, type Did, fail, keyOf, verifyStatement, limits as wire } from '@caponier/protocol';
import type { OwnerView } from '@caponier/verify';
import type { RelayLimits } from '../limits.ts';
import type { RelayStore } from '../store/open.ts';
import type { KeepOwner } from '../store/owners.ts';
import { extend, fromKept, type History, type Standing, standingOf, toKept } from './history.ts';

/** A reader of the registry in membership mode: `LogFollower` is one. A relay works without. */
export interface MembershipSource {
  /**
   * The owner's newest view. Throws `owner.unknown` for one the log does not have; anything else where the log names
   * statements that nobody shows, or is not to be believed: then the owner is refused.
   */
  get(owner: string): { readonly view: OwnerView };
  /** Calls back with the owner's id whenever a view has changed; yields how to stop. */
  onChange(listener: (owner: string) => void): () => void;
}

/** What the relay knows of owners: kept durably, replayed on use, and only ever added to. */
export class Owners {
  readonly #store: RelayStore;
  readonly #views: MembershipSource | undefined;
  readonly #limits: RelayLimits;
  readonly #clock: () => number;
  readonly #cache = new Map<string, History>();
  /** One change of an owner at a time: two at once would each forget what the other added. */
  readonly #busy = new Map<string, Promise<unknown>>();
  readonly #listeners = new Set<(owner: string) => void>();
  readonly #stop: () => void;

  constructor(store: RelayStore, views: MembershipSource | undefined, limits: RelayLimits, clock: () => number) {
    this.#store = store;
    this.#views = views;
    this.#limits = limits;
    this.#clock = clock;
    this.#stop = views?.onChange((owner) => this.#tell(owner)) ?? (() => {});
  }

  close(): void {
    this.#stop();
  }

  /** Calls back whenever the standing of an owner's devices may have changed. */
  onChange(listener: (owner: string) => void): void {
    this.#listeners.add(listener);
  }

  #tell(owner: string): void {
    for (const listener of this.#listeners) listener(owner);
  }

  /** What is known of an owner, or undefined for one that was never admitted. */
  async known(owner: string): Promise<History | undefined> {
    const cached = this.#cache.get(owner);
    if (cached) {
      this.#cache.delete(owner);
      this.#cache.set(owner, cached);
      return cached;
    }
    const kept = await this.#store.read('ownerStatements', { owner, most: wire.maxBundleStatements });
    // Somebody else may have read or changed it meanwhile: what is in memory is never older.
    return this.#cache.get(owner) ?? (kept ? this.#remember(fromKept(owner, kept)) : undefined);
  }

  #remember(history: History): History {
    this.#cache.delete(history.owner);
    this.#cache.set(history.owner, history);
    if (this.#cache.size > this.#limits.cachedOwners) this.#cache.delete(this.#cache.keys().next().value as string);
    return history;
  }

  /** Whether all that is known of the owner is in memory. */
  inMemory(owner: string): boolean {
    return this.#cache.has(owner);
  }

  /** The standing of a device by what is in memory; `known` brings it there. */
  standing(owner: string, device: Did): Standing {
    return this.#judge(owner, device, this.#cache.get(owner)?.view);
  }

  #judge(owner: string, device: Did, shown: OwnerView | undefined): Standing {
    const logged = this.#logged(owner);
    return logged === 'withheld' ? 'withheld' : standingOf(device, shown, logged);
  }

  #logged(owner: string): OwnerView | undefined | 'withheld' {
    try {
      return this.#views?.get(owner).view;
    } catch (error) {
      return error instanceof CaponierError && error.code === 'owner.unknown' ? undefined : 'withheld';
    }
  }

  /** True where this owner's newest trust names the key as broker, gate or worker. */
  async serves(owner: string, key: Did): Promise<boolean> {
    const shown = (await this.known(owner))?.view;
    const logged = this.#logged(owner);
    if (logged === 'withheld') return false;
    const trust = (logged && shown && logged.seq >= shown.seq ? logged : (shown ?? logged))?.trust;
    if (!trust) return false;
    return (
      trust.broker.includes(key) || trust.gate.includes(key) || trust.workers.some(({ keys }) => keys.includes(key))
    );
  }

  /**
   * Learns what a device shows of its owner's chain, and judges the device by all that is known then. It is remembered
   * only for a device that stands well, or of an owner known before: strangers cannot fill the store with owners.
   * Throws what `extend` and `keepOwner` throw.
   */
  learn(owner: string, device: Did, shown: readonly string[], ticket: KeepOwner['ticket']): Promise<Standing> {
    return this.#alone(owner, async () => {
      const known = await this.known(owner);
      const next = this.#extend(owner, known, shown);
      const standing = this.#judge(owner, device, next.view);
      if (next !== known && (known || standing === 'enrolled')) await this.#keep(known, next, ticket);
      return standing;
    });
  }

  #extend(owner: string, known: History | undefined, shown: readonly string[]): History {
    try {
      return extend(owner, known, shown, false);
    } catch (error) {
      const logged = this.#logged(owner);
      const forked = error instanceof CaponierError && error.code === 'relay.stale_chain';
      if (!forked || !logged || logged === 'withheld') throw error;
      // Two devices of the owner wrote at once: the log has decided, and what was kept is the void branch.
      const other = extend(owner, undefined, shown, false);
      if (other.chain.get(logged.seq)?.statement.id !== logged.head) throw error;
      return other;
    }
  }

  /**
   * Statements from anybody that only remove authority, in effect on sight: each `revoke` or `freeze`, with the cosigns
   * beside it. Throws `owner.unknown` for an owner not known here, and the codes of statements and owners; then nothing
   * of that owner is taken.
   */
  async present(shown: readonly string[]): Promise<void> {
    const byOwner = new Map<string, string[]>();
    for (const jws of shown) {
      const kind = claimedKind(jws);
      if (kind !== 'revoke' && kind !== 'freeze' && kind !== 'cosign') throw fail('statement.wrong_kind', kind);
      const { payload } = verifyStatement(jws, kind);
      const owner = 'owner' in payload ? payload.owner : payload.aud;
      byOwner.set(owner, [...(byOwner.get(owner) ?? []), jws]);
    }
    for (const [owner, statements] of byOwner) {
      await this.#alone(owner, async () => {
        const known = await this.known(owner);
        if (!known) throw fail('owner.unknown');
        const next = extend(owner, known, statements, true);
        if (next !== known) await this.#keep(known, next, null);
      });
    }
  }

  async #keep(known: History | undefined, next: History, ticket: KeepOwner['ticket']): Promise<void> {
    const dropped = (known?.view.devices() ?? [])
      .filter(({ did }) => !next.view.device(did))
      .map(({ did }) => keyOf(did, 'ed25519'));
    await this.#store.run('keepOwner', {
      owner: next.owner,
      statements: toKept(next),
      now: this.#clock(),
      mostOwners: this.#limits.owners,
      dropped,
      ticket,
    });
    this.#remember(next);
    this.#tell(next.owner);
  }

  async #alone<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(owner) ?? Promise.resolve();
    const mine = before.then(work, work);
    const settled = mine.catch(() => {});
    this.#busy.set(owner, settled);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(owner) === settled) this.#busy.delete(owner);
    }
  }
}
