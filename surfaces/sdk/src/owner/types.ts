import type { Did, Payload } from '@caponier/protocol';
import type { LaterKind, LogAnchor, Members, WireStatement } from '@caponier/verify';

/** One statement that somebody with the owner's key is asked to sign. Plain JSON: it crosses from the daemon to the hand. */
export type Draft = { readonly [K in LaterKind]: { readonly kind: K; readonly members: Members<K> } }[LaterKind];

/** Admission for somebody new, asked of the operator: `aud` is a relay or registry. */
export interface TicketDraft {
  readonly aud: Did;
  readonly uses: number;
  /** Seconds. */
  readonly lives: number;
}

/** What to sign, and the chain that it continues. The signer replays the chain itself before it signs. Plain JSON. */
export interface SigningNeed {
  readonly owner: string;
  readonly chain: readonly WireStatement[];
  readonly drafts: readonly Draft[];
  readonly tickets: readonly TicketDraft[];
}

/** The answer to a `SigningNeed`. Plain JSON. */
export interface SignedNeed {
  readonly statements: readonly WireStatement[];
  readonly tickets: readonly string[];
}

/** How one service took a removal that was pushed to it. */
export interface Push {
  readonly role: string;
  readonly class: string | null;
  readonly url: string;
  /** Milliseconds until it acknowledged; null where it did not. */
  readonly ms: number | null;
  /** Why it did not. */
  readonly code: string | null;
}

export interface PublishReport {
  /** True once the registry has sequenced the statements under a cosigned head. */
  readonly sequenced: boolean;
  /** Why not: the code of the refusal. */
  readonly code: string | null;
  /** Services told directly: only for statements that remove authority. */
  readonly pushes: readonly Push[];
  /** Roles (and classes) of `pushes` that did not acknowledge. */
  readonly missing: readonly string[];
  /** The slowest acknowledgement, milliseconds. */
  readonly slowestMs: number;
}

/** Everything a device needs besides its keys to begin: stored once at `up` or `join`. Plain JSON. */
export interface StartMaterial {
  readonly owner: string;
  /** Whose word counts for the order of the log. */
  readonly anchor: LogAnchor;
  /** `service` statements. */
  readonly services: readonly string[];
  /** The owner's chain so far; private statements only where this device knows them. */
  readonly chain: readonly WireStatement[];
  /** Tickets for relay and registry. */
  readonly tickets: readonly string[];
}

export type GrantMembers = Members<'grant'>;
export type FreezeTarget = Pick<Payload<'freeze'>, 'what' | 'target'>;
