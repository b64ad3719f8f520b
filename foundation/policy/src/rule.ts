import { fail } from '@caponier/protocol';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { type Budget, parseBudget } from './budget.ts';

/** One rule of a policy as its annotations describe it. */
export interface Rule {
  /** `@id`, or `rule1`, `rule2`, … in the order of the text. */
  readonly id: string;
  readonly effect: 'permit' | 'forbid';
  /** `@code`: what the permit will say; null takes the usual code of the decision. */
  readonly code: string | null;
  /** Approvals the rule waits for: 0, or with `@decision("ask")` 1, or `@approvals("n")`. */
  readonly approvals: number;
  /** `@budget`: what the amount counts against. */
  readonly budget: Budget | null;
}

const permitAnnotations = new Set(['id', 'code', 'note', 'decision', 'approvals', 'budget']);
const forbidAnnotations = new Set(['id', 'code', 'note']);

/**
 * Reads the annotations of one rule. An unknown one is refused: `@decison("ask")`, misspelt, would otherwise turn a
 * question into a plain yes. Throws `policy.invalid`, `policy.bad_amount`.
 */
export function readRule(json: PolicyJson, position: number): Rule {
  const notes = json.annotations ?? {};
  const known = json.effect === 'permit' ? permitAnnotations : forbidAnnotations;
  for (const name of Object.keys(notes)) {
    if (!known.has(name)) throw fail('policy.invalid', `a ${json.effect} has no annotation @${name}`);
  }
  return Object.freeze({
    id: matching(notes.id, /^[a-z0-9][a-z0-9._-]{0,63}$/, '@id("word")') ?? `rule${position}`,
    effect: json.effect,
    code: matching(notes.code, /^(?=.{3,64}$)[a-z]+\.[a-z_]+$/, '@code("domain.reason")'),
    approvals: approvalsOf(notes),
    budget: notes.budget === undefined ? null : parseBudget(notes.budget ?? ''),
  });
}

function approvalsOf(notes: Record<string, string>): number {
  const decision = matching(notes.decision, /^(allow|ask)$/, '@decision("allow") or @decision("ask")') ?? 'allow';
  const approvals = matching(notes.approvals, /^[1-8]$/, '@approvals("1") to @approvals("8")');
  if (decision === 'ask') return Number(approvals ?? '1');
  if (approvals !== null) throw fail('policy.invalid', '@approvals goes with @decision("ask")');
  return 0;
}

function matching(value: string | null | undefined, form: RegExp, usage: string): string | null {
  if (value === undefined) return null;
  if (value === null || !form.test(value)) throw fail('policy.invalid', `write ${usage}`);
  return value;
}
