import type { Random } from '@caponier/crypto';
import type { Wait } from '@caponier/verify';
import type { Transport } from '../transport/types.ts';

/** What the outside gives to everything here: nothing of it is ambient, so that a simulation replays exactly. */
export interface Platform {
  readonly transport: Transport;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: Random;
  /** Resolves after so many milliseconds, or at once when the signal aborts. */
  readonly wait: Wait;
}

/** Waiting by the timers of the platform. */
export const systemWait: Wait = (milliseconds, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
  });
