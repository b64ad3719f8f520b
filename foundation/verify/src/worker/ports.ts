import type { Did } from '@caponier/protocol';

/** What a worker needs from its store; the shape of `WorkerLedger` in the store module. */

export type Period = 'hour' | 'day' | 'total';

/** What a ceiling counts by. It names no grant, so that replacing a grant gives nothing back. */
export interface CountKey {
  readonly owner: string;
  readonly agent: string;
  readonly op: string;
  readonly resource: string;
}

export interface NewEvent {
  readonly service: Did;
  /** 16 random bytes. */
  readonly salt: Uint8Array;
  readonly body: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface EventPlace {
  readonly index: number;
  readonly prev: Uint8Array;
  readonly hash: Uint8Array;
}

export interface Intent {
  readonly use: string;
  readonly request: string;
  readonly permit: string;
  readonly count: CountKey;
  readonly ceilings: readonly { readonly per: Period; readonly uses: number }[];
  readonly counter: number;
  /** How many uses the permit gives. */
  readonly uses: number;
  /** Latest of the expiries of request, permit and use, seconds since the epoch. */
  readonly exp: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly event: NewEvent;
}

export interface OpenIntent {
  readonly use: string;
  readonly request: string;
  readonly permit: string;
  readonly owner: string;
  readonly service: Did;
  /** Index of the intent's event. */
  readonly event: number;
}

export interface WorkerLedger {
  counts(query: CountKey & { now: number }): Promise<Record<Period, number>>;
  /**
   * One transaction, durable when it resolves. Throws, in this order: `grant.ceiling_reached`, `use.replayed`,
   * `permit.used_up`; then nothing was written.
   */
  intend(intent: Intent): Promise<EventPlace>;
  /** One transaction. Throws `worker.outcome_unknown` where no such intent is open. */
  finish(args: { readonly use: string; readonly event: NewEvent }): Promise<EventPlace>;
  openIntents(): Promise<readonly OpenIntent[]>;
}
