import * as limits from '@caponier/protocol/limits';

const bits = limits.useCounterWindow;

/** The highest counter seen, and which of the `useCounterWindow` below and including it were seen (RFC 4303 section 3.4.3). */
export interface CounterWindow {
  readonly highest: number;
  /** Bit `n` of the map says that counter `n mod useCounterWindow` of the current window was seen. */
  readonly seen: Uint8Array;
}

const mask = (counter: number) => 1 << (counter & 7);
const byte = (counter: number) => (counter % bits) >> 3;

/** The window after `counter` was taken, or undefined where it was seen before or lies below the window. */
export function takeCounter(window: CounterWindow | undefined, counter: number): CounterWindow | undefined {
  const seen = new Uint8Array(bits / 8);
  let highest = counter;
  if (window) {
    if (counter <= window.highest - bits) return undefined;
    if (counter > window.highest) {
      if (counter - window.highest < bits) {
        seen.set(window.seen);
        for (let passed = window.highest + 1; passed < counter; passed++) seen[byte(passed)]! &= ~mask(passed);
      }
    } else {
      if (window.seen[byte(counter)]! & mask(counter)) return undefined;
      seen.set(window.seen);
      highest = window.highest;
    }
  }
  seen[byte(counter)]! |= mask(counter);
  return { highest, seen };
}
