import type { Dice } from './dice.ts';

/** What a round tried, by name: added up over all rounds and shown, so that a torture that tries nothing is seen. */
export type Tally = Readonly<Record<string, number>>;

/** `src/tortures/<name>.ts` has one of these as its default export, and is loaded only when it is asked for. */
export interface Torture {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** How many rounds unless `--n` says otherwise: about a minute. */
  readonly rounds: number;
  /** Where a round is many attempts: `--n` counts these. */
  readonly each?: number;
  /** One round. Throws where a promise is broken. */
  round(dice: Dice): Promise<Tally>;
}

/** A promise that a round found broken. */
export class Broken extends Error {
  override readonly name = 'Broken';
}
