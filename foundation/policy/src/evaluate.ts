import { fail } from '@caponier/protocol';
import type {
  AuthorizationAnswer,
  CedarValueJson,
  EntityJson,
  StatefulAuthorizationCall,
} from '@cedar-policy/cedar-wasm/nodejs';
import type { Budget } from './budget.ts';
import { compiledOf, type Policy } from './compile.ts';
import { placeOf, withCedar } from './engine.ts';
import { type PolicyFacts, wellFormed } from './facts.ts';
import type { Rule } from './rule.ts';

/** What a policy says to one request. */
export interface Evaluation {
  readonly decision: 'allow' | 'deny' | 'ask';
  /** The `@code` of the deciding rule, else the usual code of the decision. */
  readonly code: string;
  /** The deciding rule; empty where none matched, or evaluation failed. */
  readonly rule: string;
  /** Every rule that matched, in the order of the text. */
  readonly rules: readonly string[];
  /** With `ask`: how many approvals the rule waits for. Else 0. */
  readonly approvals: number;
  /** With `allow`: what the amount is taken from; the caller reserves it. Units left before and after. */
  readonly budget: {
    readonly name: string;
    readonly currency: string;
    readonly before: number;
    readonly after: number;
  } | null;
}

/**
 * Decides. Pure: the same text and facts give the same answer for ever; it never throws for what they contain.
 *
 * 1. Any error in evaluation: `deny`, `policy.error`. Cedar by itself skips a `forbid` that fails, and so fails open.
 * 2. A `forbid` matches: `deny`, the first in the text names the code.
 * 3. The first `permit` in the text that matches, has its approvals and whose budget suffices: `allow`.
 * 4. Else the first that matches, whose budget suffices and that lacks only approvals: `ask`.
 * 5. Else, where one matched and its budget did not suffice: `deny`, `budget.exceeded` (or `budget.wrong_currency`).
 * 6. Else `deny`, `policy.no_rule`.
 */
export function evaluate(policy: Policy, facts: PolicyFacts): Evaluation {
  let matched: { decision: string; rules: readonly Rule[] };
  try {
    matched = matchRules(policy, facts);
  } catch {
    return denied('policy.error', null, []);
  }
  const { rules } = matched;
  const [first] = rules;
  if (matched.decision === 'deny') {
    return first ? denied(first.code ?? 'policy.denied', first, rules) : denied('policy.no_rule', null, []);
  }
  const tried = rules.map((rule) => ({ rule, ...take(rule.budget, facts) }));
  const ids = rules.map(({ id }) => id);
  const granted = tried.find(({ rule, refusal }) => !refusal && facts.approvals >= rule.approvals);
  if (granted) {
    const { rule, budget } = granted;
    return { decision: 'allow', code: rule.code ?? 'policy.allowed', rule: rule.id, rules: ids, approvals: 0, budget };
  }
  const waiting = tried.find(({ refusal }) => !refusal)?.rule;
  if (waiting) {
    const { id, code, approvals } = waiting;
    return { decision: 'ask', code: code ?? 'gate.ask', rule: id, rules: ids, approvals, budget: null };
  }
  return denied(tried[0]?.refusal ?? 'policy.error', first ?? null, rules);
}

/** What approvers said, beside the count that the facts hold. */
export interface ApproverAnswers {
  /** One of them said no. */
  readonly denied: boolean;
  /** How many the grant itself asks for, and how many of those that said yes count for it. */
  readonly needed: number;
  readonly counting: number;
}

/** What stands above the policy's yes: an approver's no, and the approvals of the grant. Pure, like `evaluate`. */
export function withApprovals(evaluation: Evaluation, { denied: no, needed, counting }: ApproverAnswers): Evaluation {
  const { decision, rules, rule } = evaluation;
  if (decision !== 'deny' && no) {
    return { decision: 'deny', code: 'approval.denied', rule, rules, approvals: 0, budget: null };
  }
  if (decision !== 'allow' || counting >= needed) return evaluation;
  return { decision: 'ask', code: 'gate.ask', rule, rules, approvals: needed, budget: null };
}

function denied(code: string, rule: Rule | null, rules: readonly Rule[]): Evaluation {
  return { decision: 'deny', code, rule: rule?.id ?? '', rules: rules.map(({ id }) => id), approvals: 0, budget: null };
}

/** Takes the amount from the rule's budget, on paper. */
function take(budget: Budget | null, facts: PolicyFacts): { refusal?: string; budget: Evaluation['budget'] } {
  if (!budget) return { budget: null };
  if (facts.amount?.currency !== budget.limit.currency) return { refusal: 'budget.wrong_currency', budget: null };
  const before = leftOf(budget, facts);
  const after = before - BigInt(facts.amount.units);
  if (after < 0n) return { refusal: 'budget.exceeded', budget: null };
  return {
    budget: { name: budget.name, currency: budget.limit.currency, before: Number(before), after: Number(after) },
  };
}

/** Never below zero: a budget that was lowered may be overspent. */
function leftOf(budget: Budget, facts: PolicyFacts): bigint {
  const spent = facts.spent.find((entry) => entry.budget === budget.name);
  if (!spent) throw fail('policy.bad_facts', `nothing said about budget ${budget.name}`);
  const left = budget.limit.units - BigInt(spent.units);
  return left > 0n ? left : 0n;
}

/** Cedar's answer: its decision, and the rules it rests on, in the order of the text. Throws on any error. */
function matchRules(policy: Policy, facts: PolicyFacts): { decision: string; rules: readonly Rule[] } {
  if (!wellFormed(facts)) throw fail('policy.bad_facts');
  const { parsable, actionOf } = compiledOf(policy);
  const request = cedarRequest(policy, facts, actionOf(facts.op));
  const answer = withCedar((cedar): AuthorizationAnswer => {
    const place = placeOf(cedar, parsable);
    return cedar.statefulIsAuthorized({
      ...request,
      preparsedSchemaName: place,
      preparsedPolicySetId: place,
      validateRequest: true,
    });
  });
  if (answer.type !== 'success') throw fail('policy.error', answer.errors[0]?.message);
  const { decision, diagnostics } = answer.response;
  if (diagnostics.errors.length > 0) throw fail('policy.error', diagnostics.errors[0]?.error.message);
  const positions = diagnostics.reason.map((id) => Number(id.slice(1))).sort((a, b) => a - b);
  const rules = positions.map((position) => {
    const rule = policy.rules[position];
    if (!rule) throw fail('policy.error', 'Cedar names a rule that is not there');
    return rule;
  });
  return { decision, rules };
}

/** The facts in Cedar's terms, with only the entities that can matter: marshalling is what costs. */
function cedarRequest(
  policy: Policy,
  facts: PolicyFacts,
  action: string,
): Pick<StatefulAuthorizationCall, 'principal' | 'action' | 'resource' | 'context' | 'entities'> {
  const asker = { type: 'Owner', id: facts.device.owner };
  const owner = { __entity: { type: 'Owner', id: facts.owner } };
  const device = { type: 'Device', id: facts.device.key };
  // A contact's agent may be called like one of the owner's: its names carry its owner, so no rule takes it for that one.
  const from = facts.device.owner === facts.owner ? '' : `${facts.device.owner}/`;
  const agent = { type: 'Agent', id: from + (facts.agent ?? '') };
  const resource = { type: 'Resource', id: facts.resource };
  const left = { type: 'Budgets', id: 'left' };
  const { host, method, payee } = facts.call;
  const entities: EntityJson[] = [
    { uid: device, attrs: { name: from + facts.device.name, role: facts.device.role }, parents: [asker] },
    {
      uid: resource,
      attrs: present({ name: facts.resource, class: facts.class, owner, host, method, payee }),
      parents: [],
    },
    { uid: left, attrs: {}, parents: [], tags: tagsOf(policy, facts) },
  ];
  if (facts.agent !== null) entities.push({ uid: agent, attrs: { name: agent.id }, parents: [device] });
  return {
    principal: facts.agent === null ? device : agent,
    action: { type: 'Action', id: action },
    resource,
    context: present({
      operation: facts.op,
      grant: facts.grant,
      purpose: facts.purpose,
      time: { __extn: { fn: 'datetime', arg: new Date(facts.time * 1000).toISOString() } },
      approvals: facts.approvals,
      amount: facts.amount && { units: facts.amount.units, currency: facts.amount.currency },
      left: { __entity: left },
      custody: facts.custody,
    }),
    entities,
  };
}

function tagsOf(policy: Policy, facts: PolicyFacts): Record<string, CedarValueJson> {
  return Object.fromEntries(policy.budgets.map((budget) => [budget.name, Number(leftOf(budget, facts))]));
}

function present(attributes: Record<string, CedarValueJson>): Record<string, CedarValueJson> {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
}
