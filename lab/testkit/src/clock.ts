/** A clock that stands until it is moved. Calling it gives milliseconds since the epoch. */
export interface ManualClock {
  (): number;
  /** Forwards (or back, if negative) by so many seconds. */
  advance(seconds: number): void;
  set(milliseconds: number): void;
  /** Whole seconds since the epoch. */
  seconds(): number;
}

/** 15 January 2027, 08:00:00 UTC. */
export const testEpoch = 1_800_000_000_000;

export function manualClock(start = testEpoch): ManualClock {
  let now = start;
  const clock = (() => now) as ManualClock;
  clock.advance = (seconds) => {
    now += seconds * 1000;
  };
  clock.set = (milliseconds) => {
    now = milliseconds;
  };
  clock.seconds = () => Math.floor(now / 1000);
  return clock;
}
