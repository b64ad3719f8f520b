/** A checkpoint that was verified. */
export interface StoredHead {
  readonly size: number;
  /** Merkle root, 32 bytes. */
  readonly root: Uint8Array;
  /** The signed note with its cosignatures, as received. */
  readonly note: string;
}

/** A leaf of the `owners` log and, where this reader may see it, its statement: what an `OwnerView` is replayed from. */
export interface StoredLeaf {
  readonly leaf: Uint8Array;
  /** Compact JWS, or null where it was not shown (yet). */
  readonly statement: string | null;
  readonly cosigns: readonly string[];
}

/** A statement that only removes authority, obeyed on sight, before any head covers it. */
export interface StandingRemoval {
  readonly id: string;
  readonly statement: string;
  readonly cosigns: readonly string[];
}

/** Leaves in one advance or one answer. */
export const MAX_LEAVES = 1_024;

/** Removals that may stand at once. */
export const MAX_REMOVALS = 10_000;

/**
 * What a reader of a log has seen and will not unsee. It checks no signature: the caller has verified the head, and
 * computed its root from the leaves. It does refuse to go back, whoever asks.
 */
export interface HeadStore {
  /** The highest head remembered. */
  head(log: string): Promise<StoredHead | undefined>;
  /**
   * One transaction: adds leaves, in order, starting where the stored ones end, then takes the head. The head may
   * cover fewer leaves than are stored, never more. The same size and root with another note replaces the note (newer
   * cosignatures). Throws `log.rolled_back` (smaller than remembered), `log.forked` (same size, other root),
   * `log.bad_leaf` (leaves that do not start where the stored ones end, or a head over leaves that are missing).
   */
  advance(args: {
    readonly log: string;
    readonly from: number;
    readonly leaves: readonly StoredLeaf[];
    readonly head?: StoredHead;
  }): Promise<void>;
  /** Leaves from index `from` on, at most `limit` and `MAX_LEAVES`. */
  leaves(query: { log: string; from: number; limit: number }): Promise<StoredLeaf[]>;
  /** Adds the statement to a leaf that had none. Throws `log.bad_leaf` where there is no such leaf; keeps what is there. */
  fill(args: { log: string; index: number; statement: string; cosigns: readonly string[] }): Promise<void>;
  /** Remembers a removal; the same id again changes nothing. Throws `store.full` above `MAX_REMOVALS`. */
  remove(args: { log: string; removal: StandingRemoval }): Promise<void>;
  /** Forgets a removal: it was thawed, or a head covers it now. */
  settle(args: { log: string; id: string }): Promise<void>;
  /** All removals that stand. */
  removals(log: string): Promise<StandingRemoval[]>;
}
