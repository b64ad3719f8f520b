import { type CaponierError, crypto } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs';
import type { Budget } from './budget.ts';
import { type Parsable, withCedar } from './engine.ts';
import { type Rule, readRule } from './rule.ts';
import { splitRules } from './scan.ts';
import { operationForm, type PolicySchema, schemaFor } from './schema.ts';

/** A policy that parses and fits the schema. Only `compilePolicy` makes one. */
export interface Policy {
  readonly text: string;
  /** In the order of the text, which decides between permits. */
  readonly rules: readonly Rule[];
  /** Every budget that rules name, once, in the order of the text. */
  readonly budgets: readonly Budget[];
}

interface Compiled {
  readonly parsable: Parsable;
  readonly actionOf: PolicySchema['actionOf'];
}

const compiled = new WeakMap<Policy, Compiled>();

/** The parts of a policy that evaluation needs and nobody else sees. */
export function compiledOf(policy: Policy): Compiled {
  const found = compiled.get(policy);
  if (!found) throw fail('policy.error', 'not a compiled policy');
  return found;
}

/**
 * Compiles a policy text: bounds, syntax, annotations, then Cedar's strict validation against our schema. The detail of
 * the error names rule and place. Throws `policy.malformed`, `policy.invalid`, `policy.bad_amount` (in a budget), and
 * `policy.error` where Cedar itself fails.
 */
export function compilePolicy(text: string): Policy {
  const { rules: pieces, rest } = splitRules(text);
  return withCedar((cedar) => {
    const remainder = cedar.policySetTextToParts(rest);
    if (remainder.type !== 'success') throw malformed(text, text.length - rest.length, remainder.errors);
    if (remainder.policies.length + remainder.policy_templates.length > 0)
      throw fail('policy.malformed', 'a rule has no end');

    const parsed = pieces.map((piece, i) => {
      const answer = cedar.policyToJson(piece.text);
      if (answer.type !== 'success') throw malformed(text, piece.start, answer.errors);
      return { ...piece, json: answer.json, rule: readRule(answer.json, i + 1) };
    });
    const rules = parsed.map(({ rule }) => rule);
    const sources = Object.fromEntries(parsed.map((p, i) => [`r${i}`, p.text]));
    const schema = schemaFor(namedOperations(parsed.map(({ json }) => json)));

    // `validate` says success when it ran, also when it found errors: the list is what counts.
    const answer = cedar.validate({ schema: schema.text, policies: { staticPolicies: sources } });
    if (answer.type !== 'success') throw fail('policy.invalid', answer.errors[0]?.message ?? 'validation failed');
    const [error] = answer.validationErrors;
    if (error) {
      const at = parsed[Number(error.policyId.slice(1))]?.start ?? 0;
      throw fail('policy.invalid', describe(text, at, error.error));
    }

    const policy: Policy = Object.freeze({
      text,
      rules: Object.freeze(rules),
      budgets: Object.freeze(budgetsOf(rules)),
    });
    compiled.set(policy, { parsable: { schema: schema.text, rules: sources }, actionOf: schema.actionOf });
    return policy;
  });
}

/** SHA-256 of the text. */
export function policyDigest(policy: Policy): Uint8Array {
  return crypto.sha256(new TextEncoder().encode(policy.text));
}

function budgetsOf(rules: readonly Rule[]): Budget[] {
  const ids = new Set<string>();
  const budgets = new Map<string, Budget>();
  for (const { id, budget } of rules) {
    if (ids.has(id)) throw fail('policy.invalid', `two rules are called ${id}`);
    ids.add(id);
    if (!budget) continue;
    const other = budgets.get(budget.name);
    if (other && !sameBudget(other, budget)) throw fail('policy.invalid', `two budgets are called ${budget.name}`);
    budgets.set(budget.name, other ?? budget);
  }
  return [...budgets.values()];
}

function sameBudget(a: Budget, b: Budget): boolean {
  return (
    a.per === b.per && a.shared === b.shared && a.limit.units === b.limit.units && a.limit.currency === b.limit.currency
  );
}

/** Every operation that the policy names, wherever in it. */
function namedOperations(json: unknown, found = new Set<string>()): Set<string> {
  if (typeof json !== 'object' || json === null) return found;
  const { type, id } = json as { type?: unknown; id?: unknown };
  if (type === 'Action' && typeof id === 'string') {
    if (!operationForm.test(id)) throw fail('policy.invalid', `no operation can be called ${id.slice(0, 64)}`);
    found.add(id);
  }
  for (const value of Object.values(json)) namedOperations(value, found);
  return found;
}

function malformed(text: string, start: number, errors: readonly DetailedError[]): CaponierError {
  const [error] = errors;
  return fail('policy.malformed', error ? describe(text, start, error) : 'it does not parse');
}

/** Line and column in the whole text, and what Cedar says about it. Its offsets count bytes of UTF-8 from the rule's start. */
function describe(text: string, start: number, error: DetailedError): string {
  const offset = error.sourceLocations?.[0]?.start ?? 0;
  const bytes = new TextEncoder().encode(text.slice(start)).subarray(0, offset);
  const before = text.slice(0, start) + new TextDecoder().decode(bytes);
  const lines = before.split('\n');
  return `line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}: ${error.message}`;
}
