import type { Random } from '@caponier/crypto';
import { seededRandom } from '@caponier/testkit';

/** Everything random in a round, from its seed alone: the same seed plays the same round. */
export class Dice {
  readonly seed: number;
  /** Bytes, for whatever takes a `Random`. */
  readonly bytes: Random;

  constructor(seed: number) {
    this.seed = seed;
    this.bytes = seededRandom(`torture ${seed}`);
  }

  /** From 0 up to and without `end`; `end` is far below 2^32, so the bias of the remainder does not matter here. */
  below(end: number): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.bytes(4);
    return (((a << 24) | (b << 16) | (c << 8) | d) >>> 0) % end;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  /** Each with a chance of one half. */
  some<T>(list: readonly T[]): T[] {
    return list.filter(() => this.once(2));
  }
}
