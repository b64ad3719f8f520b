import { fail, type registryWire } from '@caponier/protocol';
import type { VerifiedCheckpoint } from '@caponier/tlog';
import { SLOW_FOLLOWER_MS } from '../limits.ts';
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
  readonly #open = new Set<Follower>();
  readonly #stop: () => void;

  constructor(options: FollowersOptions) {
    this.#options = options;
    this.#stop = options.every(SLOW_FOLLOWER_MS / 10, () => {
      for (const follower of this.#open) if (follower.isSlow()) follower.cut();
    });
  }

  /** Throws `host.too_many_connections`. */
  open(from: number, reader: string | null): ReadableStream<Uint8Array> {
    if (this.#open.size >= this.#options.max) throw fail('host.too_many_connections', 'followers');
    const { store, clock, head } = this.#options;
    const follower = new Follower({ store, clock, head, from, reader, onEnd: (ended) => this.#open.delete(ended) });
    this.#open.add(follower);
    return follower.stream;
  }

  get size(): number {
    return this.#open.size;
  }

  /** A head is new. */
  wake(): void {
    for (const follower of this.#open) follower.wake();
  }

  /** To everybody. Gives how many streams took it. */
  pushFreeze(statement: string): number {
    return [...this.#open].filter((follower) => follower.push({ type: 'now', statement, cosigns: [] }, true)).length;
  }

  /** To everybody, or to readers of the owner where it is private. */
  pushRemoval(removal: StoredStatement, isReader: (key: string) => boolean): void {
    for (const follower of [...this.#open]) {
      const may = removal.class === 'membership' || (follower.reader !== null && isReader(follower.reader));
      if (may) follower.push({ type: 'now', statement: removal.statement, cosigns: [...removal.cosigns] }, false);
    }
  }

  close(): void {
    this.#stop();
    for (const follower of [...this.#open]) follower.cut();
  }
}
