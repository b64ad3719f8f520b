import { CaponierError } from '@caponier/crypto';
import type { Signer, Verified } from '@caponier/protocol';
import { type ChainKind, entryOf, fail, leafClassOf, type Payload } from '@caponier/protocol';
import { decodeOwnersLeaf } from '@caponier/tlog';
import {
  type DatedView,
  type FollowMemory,
  type LaterKind,
  type LogAnchor,
  LogFollower,
  OwnerView,
  openChainStatement,
  openCosigns,
  type Purpose,
  type RaiseAlarm,
  RegistryHttp,
  requireFresh,
  type WireStatement,
} from '@caponier/verify';
import type { Service } from '../directory/types.ts';
import { fetchOver } from '../platform/fetch.ts';
import type { Platform } from '../platform/platform.ts';
import type { KeyValue } from '../store/key-value.ts';
import { followMemory } from './memory.ts';

/** Milliseconds that `until` waits unless said otherwise. */
const untilMs = 20_000;
/** Milliseconds that `soon` waits, and between two looks. */
const soonMs = 5_000;
const lookMs = 100;
/** What a view says that has not caught up yet. */
const catchingUp: ReadonlySet<string> = new Set(['owner.stale_view', 'owner.unknown', 'owner.withheld']);
/** Leaves read from the memory at once. */
const page = 512;

export interface ViewsOptions extends Platform {
  readonly owner: string;
  readonly signer: Signer;
  readonly anchor: LogAnchor;
  readonly registry: Service;
  readonly store: KeyValue;
  readonly alarm: RaiseAlarm;
}

/**
 * What owners' chains say, as this device follows them. Its own owner's chain it reads whole; others' as everybody may:
 * so the one log is followed twice, in full and by membership.
 */
export class Views {
  readonly #options: ViewsOptions;
  readonly #own: LogFollower;
  readonly #others: LogFollower;
  readonly #memory: FollowMemory;
  readonly #running: Promise<void>[] = [];

  private constructor(options: ViewsOptions, memory: FollowMemory, own: LogFollower, others: LogFollower) {
    this.#options = options;
    this.#memory = memory;
    this.#own = own;
    this.#others = others;
  }

  static async open(options: ViewsOptions): Promise<Views> {
    const { store, anchor, registry, transport, signer, owner, random, clock, wait, alarm } = options;
    const reader = (as: Signer | null) =>
      new RegistryHttp({
        url: registry.url,
        fetch: fetchOver(transport, registry.pin),
        signer: as,
        registry: registry.key,
        owner: as ? owner : null,
        random,
        clock,
      });
    const shared = { anchor, clock, wait, alarm };
    const memory = followMemory(store, 'log/full');
    const own = await LogFollower.open({ ...shared, registry: reader(signer), memory, mode: 'full' });
    const others = await LogFollower.open({
      ...shared,
      registry: reader(null),
      memory: followMemory(store, 'log/members'),
      mode: 'membership',
    });
    return new Views(options, memory, own, others);
  }

  start(): void {
    this.#running.push(this.#own.run(), this.#others.run());
  }

  async close(): Promise<void> {
    this.#own.close();
    this.#others.close();
    await Promise.all(this.#running);
  }

  #followerOf(owner: string): LogFollower {
    return owner === this.#options.owner ? this.#own : this.#others;
  }

  /** Throws `owner.unknown`, `owner.withheld`, `log.wrong_class`. */
  get(owner: string = this.#options.owner): DatedView {
    return this.#followerOf(owner).get(owner);
  }

  /** As `get`, and no older than the purpose allows. Throws `owner.stale_view`, `log.*`. */
  fresh(purpose: Purpose, owner: string = this.#options.owner): OwnerView {
    return this.freshAge(purpose, owner).view;
  }

  freshAge(purpose: Purpose, owner: string = this.#options.owner): { readonly view: OwnerView; readonly age: number } {
    const dated = this.get(owner);
    return { view: dated.view, age: requireFresh(dated, purpose, this.#options.clock()) };
  }

  /** As `freshAge`, after waiting a little where the view is only catching up: a device that has just woken. */
  async soon(purpose: Purpose): Promise<{ readonly view: OwnerView; readonly age: number }> {
    const { clock, wait } = this.#options;
    const end = clock() + soonMs;
    for (;;) {
      try {
        return this.freshAge(purpose);
      } catch (error) {
        const { code } = entryOf(error);
        if (clock() >= end || !catchingUp.has(code)) throw error;
      }
      await wait(lookMs, new AbortController().signal);
      await this.resolve().catch(() => {});
    }
  }

  /** As `fresh`, after asking for statements that were not shown (those of before this device was enrolled). */
  async resolve(owner: string = this.#options.owner): Promise<DatedView> {
    return this.#followerOf(owner).resolve(owner);
  }

  /** A freeze or revocation in hand: obeyed at once. */
  async offer({ statement, cosigns }: WireStatement): Promise<void> {
    for (const follower of [this.#own, this.#others]) {
      try {
        await follower.offer(statement, cosigns);
      } catch (error) {
        // A follower that has not met the owner yet will be shown the removal by the log.
        if (!(error instanceof CaponierError) || error.code !== 'owner.unknown') throw error;
      }
    }
  }

  onChange(listener: (owner: string) => void): () => void {
    const stops = [
      this.#own.onChange((owner) => owner === this.#options.owner && listener(owner)),
      this.#others.onChange((owner) => owner !== this.#options.owner && listener(owner)),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Waits until it holds for the fresh view of this owner. Throws `owner.stale_view`, or why there is no view, after `ms`. */
  async until(
    condition: (view: OwnerView) => boolean,
    ms: number = untilMs,
    owner: string = this.#options.owner,
  ): Promise<OwnerView> {
    const { clock, wait } = this.#options;
    const end = clock() + ms;
    let wake = () => {};
    const stop = this.onChange((changed) => changed === owner && wake());
    try {
      for (;;) {
        let why: unknown;
        try {
          const dated = await this.resolve(owner);
          requireFresh(dated, 'permit', clock());
          if (condition(dated.view)) return dated.view;
          why = fail('owner.stale_view', 'not there in time');
        } catch (error) {
          why = error;
        }
        if (clock() >= end) throw why;
        const woken = new AbortController();
        wake = () => woken.abort();
        await wait(Math.min(250, Math.max(1, end - clock())), woken.signal);
      }
    } finally {
      stop();
    }
  }

  /** Our own chain as the log has it: statements that took effect, in order. Empty before it was caught up with. */
  async chain(): Promise<WireStatement[]> {
    const { owner, anchor } = this.#options;
    const log = `${anchor.origin}/owners`;
    const chain: WireStatement[] = [];
    let view: OwnerView | null = null;
    for (let from = 0; ; from += page) {
      const leaves = await this.#memory.leaves({ log, from, limit: page });
      for (const { leaf, statement, cosigns } of leaves) {
        if (statement === null || decodeOwnersLeaf(leaf).owner !== owner) continue;
        const next = applied(view, { statement, cosigns });
        if (!next) continue;
        view = next;
        chain.push({ statement, cosigns });
      }
      if (leaves.length < page) return chain;
    }
  }

  /** How far the log of our own owner was followed. */
  get status() {
    return this.#own.status;
  }
}

/** The view after a statement, or null for one that was void. */
function applied(view: OwnerView | null, { statement, cosigns }: WireStatement): OwnerView | null {
  try {
    const opened = openChainStatement(statement);
    if (opened.kind === 'owner')
      return view ? null : OwnerView.start(opened as Verified<'owner'>, openCosigns(cosigns));
    return view ? view.apply(opened as unknown as Verified<LaterKind>, openCosigns(cosigns)) : null;
  } catch (error) {
    if (error instanceof CaponierError) return null;
    throw error;
  }
}

/** Membership statements of a chain with their cosigns beside them: what a relay is shown. */
export function membershipOf(chain: readonly WireStatement[]): string[] {
  return chain.flatMap(({ statement, cosigns }) => {
    const { kind, payload } = openChainStatement(statement);
    const isMembership = leafClassOf(kind, payload as Payload<ChainKind>) === 'membership';
    return isMembership ? [statement, ...cosigns] : [];
  });
}
