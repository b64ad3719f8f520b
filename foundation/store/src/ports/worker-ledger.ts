import type { Did } from '@caponier/protocol';
import type { EventPlace, NewEvent } from './event-log.ts';

/** Periods that ceilings count in: hours and days of UTC, and for ever. */
export type Period = 'hour' | 'day' | 'total';

/** What a ceiling counts by. It names no grant, so that replacing a grant gives nothing back. */
export interface CountKey {
  /** Id of the owner. */
  readonly owner: string;
  /** The agent's name (never a run key), or the device's did where it asks for its person. */
  readonly agent: string;
  readonly op: string;
  readonly resource: string;
}

export interface Intent {
  /** Ids of the verified statements. */
  readonly use: string;
  readonly request: string;
  readonly permit: string;
  readonly count: CountKey;
  /** The ceilings of the grant in force. */
  readonly ceilings: readonly { readonly per: Period; readonly uses: number }[];
  /** The counter of the `use`. */
  readonly counter: number;
  /** How many uses the permit gives. */
  readonly uses: number;
  /** Latest of the expiries of request, permit and use, seconds since the epoch. */
  readonly exp: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly event: NewEvent;
}

/** An intent without an outcome. */
export interface OpenIntent {
  readonly use: string;
  readonly request: string;
  readonly permit: string;
  readonly owner: string;
  readonly service: Did;
  /** Index of the intent's event. */
  readonly event: number;
  readonly at: number;
}

/** Open intents in one answer. */
export const MAX_OPEN_INTENTS = 1_024;

/**
 * What a worker writes before it acts (design section 7). Every instance of a class shares one ledger.
 */
export interface WorkerLedger {
  /** How often this was done in the current periods: for the check that comes before the proof of use. */
  counts(query: CountKey & { now: number }): Promise<Record<Period, number>>;
  /**
   * One transaction: every ceiling is checked and the counts of all three periods go up by one (whether or not this
   * grant has a ceiling there: the next may), the counter is taken, one use of the permit is taken, the intent is
   * written and its event appended. All of it or nothing. When it resolves it is durable, and only then may the worker act.
   *
   * Throws, in this order of checking: `grant.ceiling_reached`; `use.replayed` (the counter was seen, or is
   * `useCounterWindow` or more below the highest seen of this request; or the same use was intended before);
   * `permit.used_up`.
   *
   * Counter windows and used permits are kept until `exp` and the clock skew have passed; what comes after that is
   * refused as expired before it gets here. A clock that is set back reopens no period: the count of the later one goes on.
   */
  intend(intent: Intent): Promise<EventPlace>;
  /**
   * One transaction: closes the intent and appends its outcome's event. Throws `worker.outcome_unknown` where no such
   * intent is open (it has an outcome already, perhaps `unknown`): the first outcome stands.
   */
  finish(args: { readonly use: string; readonly event: NewEvent }): Promise<EventPlace>;
  /**
   * Intents without an outcome, oldest first, at most `MAX_OPEN_INTENTS`. A worker asks when it starts, before it takes
   * requests: whatever is open then was cut off by a crash. It writes the outcome `unknown` for each, and tries none again.
   */
  openIntents(): Promise<OpenIntent[]>;
}
