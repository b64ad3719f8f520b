import { setTimeout as sleep } from 'node:timers/promises';

/** Work in steps: whoever does it may do something else at each `yield`. */
export type Steps = Generator<void, void>;

/** Things looked at in one step. Some hundred microseconds. */
export const mostAtOnce = 512;
/** Steps that everything of one kind is looked at in, at most: with `pauseMs` well within a second. */
export const mostSteps = 16;
/** Milliseconds between two steps. */
const pauseMs = 8;

/**
 * Looks at everything, a few hundred at a time.
 *
 * Threat: strangers decide how many connections and addresses there are to look at; one look at all of them, each second,
 * holds up whatever a device sends meanwhile. Measure: the look is cut into steps, with all other work between them. Where
 * there is little to look at, it is one step.
 */
export class Rounds {
  readonly #round: () => Steps;
  #running = false;
  #ended = false;

  constructor(round: () => Steps) {
    this.#round = round;
  }

  /** Begins a round, unless the one before is still under way. Its first step is done at once. */
  begin(): void {
    if (this.#running) return;
    this.#running = true;
    const steps = this.#round();
    if (steps.next().done) this.#running = false;
    else void this.#goOn(steps);
  }

  async #goOn(steps: Steps): Promise<void> {
    do await sleep(pauseMs, undefined, { ref: false });
    while (!this.#ended && !steps.next().done);
    this.#running = false;
  }

  end(): void {
    this.#ended = true;
  }
}
