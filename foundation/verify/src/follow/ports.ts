import type { Did, ErrorCode } from '@caponier/protocol';
import type { ViewMode } from '../owner/view.ts';

/** What a follower of the registry's log needs from outside; the memory has the shape of `HeadStore` in the store module. */

export interface StoredHead {
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
  /** The signed note as received. */
  readonly note: string;
}

export interface StoredLeaf {
  readonly leaf: Uint8Array;
  readonly statement: string | null;
  readonly cosigns: readonly string[];
}

export interface StandingRemoval {
  readonly id: string;
  readonly statement: string;
  readonly cosigns: readonly string[];
}

/** Leaves in one advance or one answer of the memory. */
export const memoryPage = 1_024;

/** What was seen and will not be unseen. Durable when a promise resolves; refuses to go back, whoever asks. */
export interface FollowMemory {
  head(log: string): Promise<StoredHead | undefined>;
  advance(args: {
    readonly log: string;
    readonly from: number;
    readonly leaves: readonly StoredLeaf[];
    readonly head?: StoredHead;
  }): Promise<void>;
  leaves(query: { log: string; from: number; limit: number }): Promise<StoredLeaf[]>;
  fill(args: { log: string; index: number; statement: string; cosigns: readonly string[] }): Promise<void>;
  remove(args: { log: string; removal: StandingRemoval }): Promise<void>;
  settle(args: { log: string; id: string }): Promise<void>;
  removals(log: string): Promise<StandingRemoval[]>;
}

/** The registry as a reader sees it. `RegistryHttp` is one over fetch. */
export interface RegistryReader {
  /** Lines of GET /follow, without their ends, until cut. */
  follow(from: number, mode: ViewMode, signal: AbortSignal): AsyncIterable<string>;
  /** One statement by id with its cosigns, or undefined where it is not shown. */
  statement(id: string, signal: AbortSignal): Promise<{ statement: string; cosigns: readonly string[] } | undefined>;
}

/** Whose word counts for the order of the log, before any owner has said so. */
export interface LogAnchor {
  /** The registry's origin: its logs are `<origin>/owners` and `<origin>/events`. */
  readonly origin: string;
  readonly key: Did;
  readonly witnesses: readonly { readonly name: string; readonly key: Did }[];
  /** Least number of witnesses that must have signed a head, 1 or more. */
  readonly k: number;
}

/** Signed facts that contradict each other: checkpoints or statements, whole. Whoever has a signer makes it an `alarm`. */
export type RaiseAlarm = (code: ErrorCode, facts: readonly string[]) => void;

/** Resolves after so many milliseconds, or at once when the signal aborts. */
export type Wait = (milliseconds: number, signal: AbortSignal) => Promise<void>;
