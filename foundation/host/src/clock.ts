import { randomFillSync } from 'node:crypto';
import type { Random } from '@caponier/crypto';

/** The one place where services get the time: milliseconds since the epoch. Everywhere else it is an argument. */
export const systemClock = (): number => Date.now();

/** The one place where services get randomness. */
export const systemRandom: Random = (length) => randomFillSync(new Uint8Array(length));
