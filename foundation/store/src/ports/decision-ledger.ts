import type { EventPlace, NewEvent } from './event-log.ts';

/** What a budget is counted in. A replaced policy goes on with the same account where it names the same budget. */
export interface BudgetAccount {
  readonly owner: string;
  readonly budget: string;
  readonly currency: string;
  /** Whom it counts for: an agent's name or a device's key, or `*` where all share it. */
  readonly scope: string;
  /** Start of the period, seconds since the epoch. */
  readonly period: number;
}

/** One submission of a request to broker or gate. */
export interface Submission {
  readonly owner: string;
  /** Who asks: agent by name or device by key, with its owner. */
  readonly subject: string;
  /** Who stands behind the subject and all its keys: its nonces are counted together. */
  readonly group: string;
  /** The idempotency key, counted per owner and subject. */
  readonly key: string;
  /** Id of the request. */
  readonly request: string;
  /** Signer and nonce of the request: replay is judged by these. */
  readonly kid: string;
  readonly nonce: string;
  /** Ids of the approvals that came along, sorted, joined by a space. */
  readonly approvals: string;
}

/** What a submission meets. */
export interface Standing {
  /** The answer it got before, under the same key. */
  readonly answer: Decided | null;
  /** `asked`: it waits for approvals and may be decided again. `decided`: a replay. */
  readonly request: 'new' | 'asked' | 'decided';
}

/** A decision that is durable; the permit can be signed from it again, byte for byte. */
export interface Decided {
  /** Index of its event. */
  readonly event: number;
  /** The permit's payload but for `event`, as JSON text. */
  readonly permit: string;
}

export interface Decision extends Submission {
  readonly decision: 'allow' | 'deny' | 'ask';
  readonly permit: string;
  /** Expiry of the request, seconds since the epoch. */
  readonly exp: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The statements that the decision rests on, kept once each. */
  readonly statements: readonly { readonly id: string; readonly jws: string }[];
  /** What the decision assumed of every budget it looked at: smallest units spent. */
  readonly assumed: readonly { readonly account: BudgetAccount; readonly units: number }[];
  /** What it takes, of one of those; null where it takes nothing. */
  readonly reserve: { readonly account: BudgetAccount; readonly units: number } | null;
  readonly event: NewEvent;
}

export interface Report {
  readonly owner: string;
  readonly request: string;
  /** Id and text of the `outcome` statement. */
  readonly outcome: string;
  readonly jws: string;
  readonly result: 'done' | 'refused' | 'unknown';
  /** What the event says comes back: the reservation that `reserved` showed, or null. */
  readonly returns: { readonly budget: string; readonly units: number } | null;
  readonly event: NewEvent;
}

/** One request with all that is known of it. */
export interface RequestRecord {
  readonly owner: string;
  readonly decisions: readonly Decided[];
  readonly outcomes: readonly { readonly event: number; readonly outcome: string }[];
}

/** Milliseconds for which an idempotency key is remembered. */
export const IDEMPOTENCY_MS = 24 * 3_600_000;

/** Decisions of one request, all of which are shown: the last may be no question, so that an answer always has its place. */
export const MAX_DECISIONS_READ = 64;

/**
 * What broker and gate write before they answer (design section 8). Nothing marks a submission as begun: a crash leaves
 * either nothing or the whole decision, so no key is ever stuck.
 */
export interface DecisionLedger {
  /** Throws `gate.idempotency_conflict` where the key was used for another request. */
  standing(submission: Submission): Promise<Standing>;
  /** Smallest units taken from each account. */
  spent(accounts: readonly BudgetAccount[]): Promise<number[]>;
  /**
   * One transaction: replay is judged again and the nonce taken, the budgets are held against what was assumed, the amount
   * is reserved, the event appended, and key, decision and statements kept. Durable when it resolves.
   *
   * Resolves with the earlier answer where the same submission was decided in the meantime, and with `stale` where a
   * budget moved: then nothing was written and the caller decides anew. Throws `request.replayed` (also for an `ask` where
   * `MAX_DECISIONS_READ` leaves room for an answer only), `gate.idempotency_conflict`, `store.full` (also
   * where the group has too many nonces open).
   */
  decide(decision: Decision): Promise<Decided | 'stale'>;
  /** Appends the event of a refusal of something that an owner's device asked. */
  refuse(args: { readonly owner: string; readonly event: NewEvent }): Promise<EventPlace>;
  /** What the request still holds of a budget. */
  reserved(request: string): Promise<{ readonly budget: string; readonly units: number } | null>;
  /**
   * One transaction: the outcome is kept, its event appended, and with `refused` the reservation given back, once; with
   * `done` it is spent for good; with `unknown` it stays, and a later report may settle it. The same outcome again gets the
   * same answer. `stale`: the reservation is not what `returns` says. Throws `outcome.settled`.
   */
  report(report: Report): Promise<{ readonly event: number; readonly returned: boolean } | 'stale'>;
  /** What is known of a request. */
  request(id: string): Promise<RequestRecord | undefined>;
  /** Whom an event concerns, by its index; undefined where nobody in particular. */
  ownerOfEvent(index: number): Promise<string | undefined>;
  /** Statements by id; those that are not here are left out. */
  statements(ids: readonly string[]): Promise<{ readonly id: string; readonly jws: string }[]>;
  /** Keeps a policy's text by the id of its statement, for as long as decisions made with it matter: for ever. */
  keepPolicy(args: { readonly policy: string; readonly text: string }): Promise<void>;
  policy(id: string): Promise<string | undefined>;
}
