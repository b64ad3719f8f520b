import type { RelayLimits } from '../limits.ts';

/**
 * How often devices replaced their own connections of late.
 *
 * Threat: two that hold the same key (a copied machine, a thief and its owner) take turns for ever, and neither gets
 * anything done. Measure: the connection that is there stays, the newcomer is told when to come back, and the operator
 * hears of it. It is not kept over a restart: after one nothing is there to be replaced, and the count begins with the
 * first connection that is.
 */
export class Replacements {
  readonly #limits: RelayLimits;
  /** Times of the last ones, oldest first; `told`: the operator has heard of this spell. */
  readonly #recent = new Map<string, { readonly times: number[]; told: boolean }>();

  constructor(limits: RelayLimits) {
    this.#limits = limits;
  }

  /** Counts one. Yields 0, or the seconds until the next is allowed; `first` when the spell begins with this refusal. */
  take(device: string, now: number): { readonly wait: number; readonly first: boolean } {
    const { replacements, replacementsMs } = this.#limits;
    const spell = this.#recent.get(device) ?? { times: [], told: false };
    this.#settle(spell.times, now);
    if (spell.times.length < replacements) {
      spell.times.push(now);
      this.#recent.set(device, spell);
      return { wait: 0, first: false };
    }
    const first = !spell.told;
    spell.told = true;
    return { wait: Math.max(1, Math.ceil((spell.times[0]! + replacementsMs - now) / 1000)), first };
  }

  #settle(times: number[], now: number): void {
    // What a clock that was set back left in the future counts for nobody: it would for as long as that is away.
    const isOver = (time: number) => time > now || now - time >= this.#limits.replacementsMs;
    while (times.length > 0 && isOver(times[0]!)) times.shift();
  }

  sweep(now: number): void {
    for (const [device, { times }] of this.#recent) {
      this.#settle(times, now);
      if (times.length === 0) this.#recent.delete(device);
    }
  }
}
