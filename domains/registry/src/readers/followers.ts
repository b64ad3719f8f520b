import { fail, type registryWire } from '@caponier/protocol';
import type { VerifiedCheckpoint } from '@caponier/tlog';
import { MAX_FOLLOWERS_PER_KEY, SLOW_FOLLOWER_MS } from '../limits.ts';
import type { RegistryStore, StoredStatement } from '../store.ts';
import { Follower } from './follower.ts';

export interface FollowersOptions {
  readonly store: RegistryStore;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly every: (ms: number, run: () => void) => () => void;
  readonly max: number;
  readonly head: (log: registryWire.LogName) => VerifiedCheckpoint | null;
}

/** All open streams of GET /follow. */
export class Followers {
  readonly #options: FollowersOptions;
  /** With the key that it is counted by; null for whom nobody has named. */
  readonly #open = new Map<Follower, string | null>();
  readonly #stop: () => void;
  #closed = false;

  constructor(options: FollowersOptions) {
    this.#options = options;
    this.#stop = options.every(SLOW_FOLLOWER_MS / 10, () => {
      for (const follower of this.#open.keys()) if (follower.isSlow()) follower.cut();
    });
  }

  /**
   * `named`: who asks, where it is a service of this deployment or a reader that an owner has named. Throws
   * `host.too_many_connections`, and `host.busy` once closed.
   *
   * Threat: everybody may follow, so somebody takes all streams, and no service learns of a revocation any more. Measure:
   * unnamed ones get half of the streams, and a named key a few. What remains: owners that cost nothing, where admission is
   * open.
   */
  open(from: number, reader: string | null, named: string | null): ReadableStream<Uint8Array> {
    if (this.#closed) throw fail('host.busy', 'leaving');
    const { max } = this.#options;
    const alike = [...this.#open.values()].filter((key) => key === named).length;
    if (this.#open.size >= max || alike >= (named === null ? Math.ceil(max / 2) : MAX_FOLLOWERS_PER_KEY))
      throw fail('host.too_many_connections', 'followers');
    const { store, clock, head } = this.#options;
    const follower = new Follower({ store, clock, head, from, reader, onEnd: (ended) => this.#open.delete(ended) });
    this.#open.set(follower, named);
    return follower.stream;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A head is new. */
  wake(): void {
    for (const follower of this.#open.keys()) follower.wake();
  }

  /** To everybody. Gives how many streams took it. */
  pushFreeze(statement: string): number {
    return [...this.#open.keys()].filter((follower) => follower.push({ type: 'now', statement, cosigns: [] }, true))
      .length;
  }

  /** To everybody, or to readers of the owner where it is private. */
  pushRemoval(removal: StoredStatement, isReader: (key: string) => boolean): void {
    for (const follower of [...this.#open.keys()]) {
      const may = removal.class === 'membership' || (follower.reader !== null && isReader(follower.reader));
      if (may) follower.push({ type: 'now', statement: removal.statement, cosigns: [...removal.cosigns] }, false);
    }
  }

  close(): void {
    this.#closed = true;
    this.#stop();
    for (const follower of [...this.#open.keys()]) follower.cut();
  }
}
