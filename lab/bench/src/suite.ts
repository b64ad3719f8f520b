/**
 * One measured comparison. Where the unit is a rate, more is better and `ratio` is the share of the bare speed kept; where
 * it is a cost, less is better and `ratio` is how many times the cost of the baseline.
 */
export interface Row {
  readonly name: string;
  /** What our code reaches, in `unit`. */
  readonly value: number;
  /** A rate: `ops/s`, `messages/s`, `writes/s`, `MiB/s`. A cost: `us`, `ms`, `KiB`, `MiB`. */
  readonly unit: string;
  /** What the bare library, socket or file reaches for the same work (or ours, at rest), measured in the same run. */
  readonly baseline: number;
  /** `value / baseline`. */
  readonly ratio: number;
}

/** A comparison that could not be made here. */
export interface Skipped {
  readonly name: string;
  readonly skipped: string;
}

/** What a suite is given: it says what it found and does not print. */
export interface Report {
  /** How many turns to take with the baseline (`--rounds`); a suite whose rounds are long may take fewer. */
  readonly rounds: number;
  /** Whether this row is asked for (`--only`): a suite whose rows take long measures no others. */
  wants(name: string): boolean;
  /** Adds a row; the ratio is computed here. */
  row(row: Omit<Row, 'ratio'>): void;
  /** Says why a row is not there. */
  skip(name: string, reason: string): void;
  /** A sentence for the reader beside the table, such as a limit that was raised. Goes to standard error. */
  note(text: string): void;
  /** Where a long run stands; shown on a terminal only. */
  progress(text: string): void;
}

/** `src/suites/<name>.ts` has one of these as its default export, and is loaded only when it is asked for. */
export interface Suite {
  readonly name: string;
  run(report: Report): Promise<void> | void;
}
