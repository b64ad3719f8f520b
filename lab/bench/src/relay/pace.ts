/** Milliseconds between two messages of one that comes at random: exponential, so that they come in bursts as in life. */
function gap(perSecond: number, random: () => number): number {
  return (-Math.log(1 - random()) * 1000) / perSecond;
}

/** When an open loop ends: after so many milliseconds, or so many messages. */
export interface Until {
  readonly milliseconds?: number;
  readonly count?: number;
}

/**
 * Calls `send` at its due times, so many a second on average, whether the answers to earlier ones are there or not: a slow
 * server is not asked less for being slow. Gives each its due time, to measure from.
 */
export async function openLoop(
  perSecond: number,
  { milliseconds = Number.POSITIVE_INFINITY, count = Number.POSITIVE_INFINITY }: Until,
  random: () => number,
  send: (due: number) => void,
): Promise<void> {
  const start = performance.now();
  let sent = 0;
  let due = start + gap(perSecond, random);
  while (sent < count && due < start + milliseconds) {
    const now = Math.min(performance.now(), start + milliseconds);
    for (; due <= now && sent < count; due += gap(perSecond, random)) {
      sent += 1;
      send(due);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A number from 0 to below 1, the same sequence for the same seed (mulberry32): both sides get the same load. */
export function seededNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
