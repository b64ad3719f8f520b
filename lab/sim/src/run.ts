import { Dice } from './dice.ts';
import type { Tally, Torture } from './types.ts';

/** Seeds are 32-bit: short enough to type. */
export const maxSeed = 2 ** 32 - 1;

export interface TortureRun {
  /** Seed of the first round; each next round has the next. */
  readonly seed: number;
  readonly rounds: number;
  /** After each round. */
  readonly progress?: (done: number) => void;
}

/** The round that broke, with the seed that plays it again. */
export class FailedRound extends Error {
  override readonly name = 'FailedRound';
  readonly seed: number;

  constructor(torture: Torture, seed: number, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    super(`${torture.name}: ${what}; again: npm run torture -- ${torture.name} --n 1 --seed ${seed}`, { cause });
    this.seed = seed;
  }
}

/** Plays rounds until one fails (`FailedRound`); resolves to what all of them tried. */
export async function runTorture(torture: Torture, { seed, rounds, progress }: TortureRun): Promise<Tally> {
  const total: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    const own = (seed + round) % (maxSeed + 1);
    let tally: Tally;
    try {
      tally = await torture.round(new Dice(own));
    } catch (cause) {
      throw new FailedRound(torture, own, cause);
    }
    for (const [name, count] of Object.entries(tally)) total[name] = (total[name] ?? 0) + count;
    progress?.(round + 1);
  }
  return total;
}
