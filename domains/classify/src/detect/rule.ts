import type { Finding } from '../verdict.ts';

/**
 * One kind of text, by an expression of our own. Every expression is linear: no nested repetition, and every
 * repetition is bounded or cannot match what follows it.
 */
export interface Rule {
  /** `category.name`. */
  readonly type: string;
  /** With the flag `g`. */
  readonly find: RegExp;
  /** What an expression cannot say. */
  readonly holds?: (match: string) => boolean;
}

export function apply(rules: readonly Rule[], text: string): Finding[] {
  const found: Finding[] = [];
  for (const { type, find, holds } of rules) {
    for (const match of text.matchAll(find)) {
      if (holds && !holds(match[0])) continue;
      found.push({ type, from: match.index, to: match.index + match[0].length });
    }
  }
  return found;
}
