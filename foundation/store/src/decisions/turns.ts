import { fail } from '@caponier/protocol';
import { MAX_DECIDING, MAX_DECIDING_PER_OWNER } from './limits.ts';

/**
 * One owner's submissions, one after another: what the policy was told of the budgets is then still so when the amount is
 * reserved. Owners do not wait for each other. The ledger checks it again in its transaction; this only spares deciding
 * twice.
 */
export class Turns {
  readonly #last = new Map<string, { count: number; done: Promise<unknown> }>();
  #waiting = 0;

  /** Runs `work` when its turn has come. Throws `gate.busy` where too many wait. */
  async take<T>(owner: string, work: () => Promise<T>): Promise<T> {
    const turn = this.#last.get(owner) ?? { count: 0, done: Promise.resolve() };
    if (turn.count >= MAX_DECIDING_PER_OWNER || this.#waiting >= MAX_DECIDING) throw fail('gate.busy');
    turn.count += 1;
    this.#waiting += 1;
    const result = turn.done.then(work);
    turn.done = result.catch(() => {});
    this.#last.set(owner, turn);
    try {
      return await result;
    } finally {
      turn.count -= 1;
      this.#waiting -= 1;
      if (turn.count === 0) this.#last.delete(owner);
    }
  }
}
