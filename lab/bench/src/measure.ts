/** A measurement of one round: does its work and answers with a rate. */
export type Round = () => Promise<number> | number;

/** Rounds measured, after one that is thrown away. Odd, so that the median is one of them. */
export const defaultRounds = 41;

/** Milliseconds of one round of `rate`: many short turns share a busy moment more evenly than few long ones. */
export const defaultRoundMs = 10;

/**
 * Runs ours and the baseline in turns and takes the median of each, so that a machine which slows down or is busy with
 * something else for a moment slows both. The order within a round alternates; the first round of both warms up and is
 * not counted.
 */
export async function interleave(
  ours: Round,
  baseline: Round,
  rounds: number = defaultRounds,
): Promise<{ value: number; baseline: number }> {
  const values: number[] = [];
  const baselines: number[] = [];
  await baseline();
  await ours();
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) {
      baselines.push(await baseline());
      values.push(await ours());
    } else {
      values.push(await ours());
      baselines.push(await baseline());
    }
  }
  return { value: median(values), baseline: median(baselines) };
}

/** A round that calls a synchronous function for about `ms` milliseconds: calls per second. */
export function rate(call: () => unknown, ms: number = defaultRoundMs): Round {
  return () => {
    // The clock is read once per batch, and a batch grows until reading it costs nothing beside the work.
    let batch = 1;
    let calls = 0;
    const start = performance.now();
    let elapsed = 0;
    while (elapsed < ms) {
      const before = elapsed;
      for (let i = 0; i < batch; i++) call();
      calls += batch;
      elapsed = performance.now() - start;
      if (elapsed - before < ms / 50) batch *= 2;
    }
    return (calls * 1000) / elapsed;
  };
}

/** The middle value; the mean of the two middle ones for an even count. Throws a RangeError for none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that this share (0 to 1) of all values does not exceed (nearest rank). Throws a RangeError for none. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('percentile of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))]!;
}
