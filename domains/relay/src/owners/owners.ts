import { CaponierError } from '@caponier/crypto';
import { claimedKind, type Did, fail, keyOf, verifyStatement, limits as wire } from '@caponier/protocol';
import type { OwnerView } from '@caponier/verify';
import { checkUnits, type Pace, unpaced } from '../door/proving.ts';
import type { RelayLimitName, RelayLimits } from '../limits.ts';
import type { RelayStore } from '../store/open.ts';
import type { KeepOwner } from '../store/owners.ts';
import { carryRemovals } from './carry.ts';
import { Changes, type OwnerNews } from './changes.ts';
import { extend, follows, fromKept, type History, newestOf, type Standing, standingOf, toKept } from './history.ts';

/** A reader of the registry in membership mode: `LogFollower` is one. A relay works without. */
export interface MembershipSource {
  /**
   * The owner's newest view. Throws `owner.unknown` for one the log does not have; anything else where the log names
   * statements that nobody shows, or is not to be believed: then the owner is refused.
   */
  get(owner: string): { readonly view: OwnerView };
  /** Calls back with the owner's id whenever a view has changed; yields how to stop. */
  onChange(listener: (owner: string) => void): () => void;
  /** Whether views are as new as they must be; a source that cannot say counts as ready. */
  isFresh?(): boolean;
}

/** Milliseconds after which an owner that came without a ticket is no newcomer any more. */
const newcomerMs = 24 * 3_600_000;

/** How an owner comes in that is not known here. */
export interface Entrance {
  /** The ticket that it uses up; null where none is needed. */
  readonly ticket: KeepOwner['ticket'];
  /** The operator lets this owner in by name. */
  readonly isNamed: boolean;
}

/** For statements of owners that are known: they come in by nothing. */
const inAlready: Entrance = { ticket: null, isNamed: false };

/** What the relay knows of owners: kept durably, replayed on use, and only ever added to. */
export class Owners {
  readonly #store: RelayStore;
  readonly #views: MembershipSource | undefined;
  readonly #limits: RelayLimits;
  readonly #clock: () => number;
  readonly #hit: (limit: RelayLimitName) => void;
  readonly #cache = new Map<string, History>();
  /** When each owner in memory is no newcomer any more, in milliseconds. */
  readonly #settled = new Map<string, number>();
  /** Owners that are being read; one that changes meanwhile is not taken from there. */
  readonly #loading = new Map<string, Promise<History | undefined>>();
  readonly #changes: Changes;
  /** One change of an owner at a time: two at once would each forget what the other added. */
  readonly #busy = new Map<string, Promise<unknown>>();
  readonly #listeners = new Set<(owner: string) => void>();
  readonly #newsListeners = new Set<(news: OwnerNews) => void>();
  readonly #stop: () => void;

  constructor(
    store: RelayStore,
    views: MembershipSource | undefined,
    limits: RelayLimits,
    clock: () => number,
    hit: (limit: RelayLimitName) => void,
  ) {
    this.#store = store;
    this.#views = views;
    this.#limits = limits;
    this.#clock = clock;
    this.#hit = hit;
    this.#changes = new Changes(limits.cachedOwners);
    this.#stop = views?.onChange((owner) => this.#tell(owner)) ?? (() => {});
  }

  close(): void {
    this.#stop();
  }

  /** Calls back whenever the standing of an owner's devices may have changed. */
  onChange(listener: (owner: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Calls back with what an operator should hear of. */
  onNews(listener: (news: OwnerNews) => void): void {
    this.#newsListeners.add(listener);
  }

  #tell(owner: string): void {
    for (const listener of this.#listeners) listener(owner);
    const news = this.#look(owner);
    if (news) for (const listener of this.#newsListeners) listener(news);
  }

  /** Only owners in memory: for all others there is nothing to compare with. */
  #look(owner: string): OwnerNews | null {
    const shown = this.#cache.get(owner);
    const logged = this.#logged(owner);
    if (!shown || logged === 'withheld') return null;
    const newest = newestOf(shown, logged);
    return this.#changes.look(owner, newest, (device) => standingOf(device, shown, logged) === 'revoked');
  }

  /** What is known of an owner, or undefined for one that was never admitted. */
  async known(owner: string, pace: Pace = unpaced): Promise<History | undefined> {
    const cached = this.#cache.get(owner);
    if (cached) {
      this.#cache.delete(owner);
      this.#cache.set(owner, cached);
      return cached;
    }
    const before = this.#loading.get(owner);
    if (before) return before;
    const loading = this.#load(owner, pace);
    this.#loading.set(owner, loading);
    try {
      const loaded = await loading;
      // What is in memory by now is never older than what was read.
      const newer = this.#cache.get(owner);
      if (newer || !loaded) return newer;
      // It was changed and pushed out of memory again while it was read.
      if (this.#loading.get(owner) !== loading) return this.known(owner, pace);
      return this.#remember(loaded);
    } finally {
      if (this.#loading.get(owner) === loading) this.#loading.delete(owner);
    }
  }

  async #load(owner: string, pace: Pace): Promise<History | undefined> {
    const kept = await this.#store.read('ownerStatements', { owner, most: wire.maxBundleStatements });
    if (!kept) return undefined;
    const history = await fromKept(owner, kept.statements, pace);
    this.#settled.set(owner, kept.byTicket ? 0 : kept.admitted + newcomerMs);
    return history;
  }

  #remember(history: History): History {
    const { owner } = history;
    this.#cache.delete(owner);
    this.#cache.set(owner, history);
    if (this.#cache.size > this.#limits.cachedOwners) {
      this.#hit('cachedOwners');
      const oldest = this.#cache.keys().next().value as string;
      this.#cache.delete(oldest);
      this.#settled.delete(oldest);
    }
    this.#look(owner);
    return history;
  }

  /** Whether an owner in memory is a newcomer: admitted without a ticket, within a day. */
  isNewcomer(owner: string): boolean {
    return this.#clock() < (this.#settled.get(owner) ?? Number.POSITIVE_INFINITY);
  }

  /** Whether all that is known of the owner is in memory. */
  inMemory(owner: string): boolean {
    return this.#cache.has(owner);
  }

  /** The standing of a device by what is in memory; `known` brings it there. */
  standing(owner: string, device: Did): Standing {
    return this.#judge(owner, device, this.#cache.get(owner));
  }

  #judge(owner: string, device: Did, shown: History | undefined): Standing {
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
    const shown = await this.known(owner);
    const logged = this.#logged(owner);
    if (logged === 'withheld') return false;
    const trust = newestOf(shown, logged)?.trust;
    if (!trust) return false;
    return (
      trust.broker.includes(key) || trust.gate.includes(key) || trust.workers.some(({ keys }) => keys.includes(key))
    );
  }

  /**
   * Learns what a device shows of its owner's chain, and judges the device by all that is known then. It is remembered
   * only for a device that stands well, or of an owner known before: strangers cannot fill the store with owners.
   * Throws what `extend` and `keepOwner` throw, and `relay.too_many`.
   */
  async learn(owner: string, device: Did, shown: readonly string[], entrance: Entrance, pace: Pace): Promise<Standing> {
    const before = await this.known(owner, pace);
    // Judged while nobody waits: whoever names an owner and shows a lot must not hold its devices and revocations up.
    const judged = await this.#extend(owner, before, shown, pace);
    return this.#alone(owner, async () => {
      const known = await this.known(owner, pace);
      const next = known === before ? judged : await this.#extend(owner, known, shown, pace);
      const standing = this.#judge(owner, device, next);
      if (next !== known && (known || standing === 'enrolled')) await this.#keep(known, next, entrance);
      return standing;
    });
  }

  async #extend(owner: string, known: History | undefined, shown: readonly string[], pace: Pace): Promise<History> {
    const logged = this.#logged(owner);
    try {
      const next = await extend(owner, known, shown, false, pace);
      // Kept, it would stand in the way of what the owner says in that place.
      if (logged && logged !== 'withheld' && next !== known && !follows(next, logged)) throw fail('relay.stale_chain');
      return next;
    } catch (error) {
      const forked = error instanceof CaponierError && error.code === 'relay.stale_chain';
      if (!forked || !logged || logged === 'withheld') throw error;
      // Two devices of the owner wrote at once: the log has decided, and what was kept is the void branch.
      const other = await extend(owner, undefined, shown, false, pace);
      if (other.chain.get(logged.seq)?.statement.id !== logged.head || !follows(other, logged)) throw error;
      return known ? await carryRemovals(known, other, pace) : other;
    }
  }

  /**
   * Statements from anybody that only remove authority, in effect on sight: each `revoke` or `freeze`, with the cosigns
   * beside it. Throws `owner.unknown` for an owner not known here, and the codes of statements and owners; then nothing
   * of that owner is taken.
   */
  async present(shown: readonly string[], pace: Pace): Promise<void> {
    const byOwner = new Map<string, string[]>();
    for (const jws of shown) {
      await pace(checkUnits);
      const kind = claimedKind(jws);
      if (kind !== 'revoke' && kind !== 'freeze' && kind !== 'cosign') throw fail('statement.wrong_kind', kind);
      const { payload } = verifyStatement(jws, kind);
      const owner = 'owner' in payload ? payload.owner : payload.aud;
      byOwner.set(owner, [...(byOwner.get(owner) ?? []), jws]);
    }
    for (const [owner, statements] of byOwner) {
      const before = await this.known(owner, pace);
      if (!before) throw fail('owner.unknown');
      // Judged while nobody waits, as in `learn`: in a queue with all other proofs, it would hold a true revocation up.
      const judged = await extend(owner, before, statements, true, pace);
      await this.#alone(owner, async () => {
        const known = await this.known(owner, pace);
        if (!known) throw fail('owner.unknown');
        const next = known === before ? judged : await extend(owner, known, statements, true, unpaced);
        if (next !== known) await this.#keep(known, next, inAlready);
      });
    }
  }

  async #keep(known: History | undefined, next: History, { ticket, isNamed }: Entrance): Promise<void> {
    const dropped = (known?.view.devices() ?? [])
      .filter(({ did }) => !next.view.device(did))
      .map(({ did }) => keyOf(did, 'ed25519'));
    const now = this.#clock();
    const { owners: mostOwners, reservedOwners, newcomerStatementBytes } = this.#limits;
    const met = await this.#store.run('keepOwner', {
      owner: next.owner,
      statements: toKept(next),
      bytes: next.bytes,
      now,
      newSince: now - newcomerMs,
      mostOwners,
      reservedOwners,
      newcomerStatementBytes: isNamed ? null : newcomerStatementBytes,
      dropped,
      ticket,
    });
    if (met) {
      this.#hit(met);
      throw fail('relay.too_many', met);
    }
    this.#loading.delete(next.owner);
    if (!known) this.#settled.set(next.owner, ticket ? 0 : now + newcomerMs);
    this.#cache.set(next.owner, next);
    this.#tell(next.owner);
    this.#remember(next);
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
