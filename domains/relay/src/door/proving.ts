/** What a proof may do before it lets others have their turn: a hash of a statement is 1, a signature or a step of a chain 8. */
const sliceUnits = 32;
export const hashUnits = 1;
export const checkUnits = 8;
/** Of so many turns strangers have one, however many devices wait. */
const strangersTurn = 4;

/** Says that so much work is to be done; what it yields is to be awaited first. */
export type Pace = (units: number) => Promise<void> | void;

/** For work that nobody else waits behind. */
export const unpaced: Pace = () => {};

/**
 * Turns for work that would block the event loop.
 *
 * Threat: a bundle of statements costs hundreds of signature checks; a few thousand strangers that show one each would
 * hold everybody's frames back for minutes. Measure: of all proofs under way one slice, less than a millisecond, is done in
 * a turn of the event loop, and between two slices whatever arrived is handled; devices that are known here go first. What
 * remains: strangers wait for each other.
 */
export class Turns {
  readonly #known: (() => void)[] = [];
  readonly #strangers: (() => void)[] = [];
  #asked = false;
  #count = 0;
  readonly #next = () => {
    this.#asked = false;
    this.#count += 1;
    const strangers = this.#known.length === 0 || (this.#strangers.length > 0 && this.#count % strangersTurn === 0);
    (strangers ? this.#strangers : this.#known).shift()?.();
    this.#ask();
  };

  #ask(): void {
    if (this.#asked || this.#known.length + this.#strangers.length === 0) return;
    this.#asked = true;
    setImmediate(this.#next);
  }

  wait(known: boolean): Promise<void> {
    return new Promise((resolve) => {
      (known ? this.#known : this.#strangers).push(resolve);
      this.#ask();
    });
  }

  /** The pace of one proof. It begins with a wait. */
  pace(known: boolean): Pace {
    let left = 0;
    return (units) => {
      if (left >= units) {
        left -= units;
        return;
      }
      left = sliceUnits - units;
      return this.wait(known);
    };
  }
}

/** Places for so many at once; those who wait for one get it by address, each in its turn. */
export class Places {
  readonly #most: number;
  readonly #full: () => void;
  readonly #waiting = new Map<string, (() => void)[]>();
  #taken = 0;

  /** `full` is called for each that has to wait. */
  constructor(most: number, full: () => void = () => {}) {
    this.#most = most;
    this.#full = full;
  }

  get taken(): number {
    return this.#taken;
  }

  async run<T>(address: string, work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#most) this.#taken += 1;
    else await this.#turn(address);
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  #turn(address: string): Promise<void> {
    this.#full();
    return new Promise((resolve) => {
      const own = this.#waiting.get(address);
      if (own) own.push(resolve);
      else this.#waiting.set(address, [resolve]);
    });
  }

  #pass(): void {
    for (const [address, own] of this.#waiting) {
      // To the end of the line, so that the next place goes to another address.
      this.#waiting.delete(address);
      const next = own.shift()!;
      if (own.length > 0) this.#waiting.set(address, own);
      next();
      return;
    }
    this.#taken -= 1;
  }
}
