export { type Budget, type Period, parseBudget, periodStart } from './budget.ts';
export { compilePolicy, type Policy, policyDigest } from './compile.ts';
export { currencies, currencyDigits } from './currencies.ts';
export { loadPolicyEngine, maxParsedPolicies } from './engine.ts';
export { type ApproverAnswers, type Evaluation, evaluate, withApprovals } from './evaluate.ts';
export {
  type CallFacts,
  callFacts,
  canonicalFacts,
  type FactSources,
  maxFactsBytes,
  type PolicyFacts,
  parseFacts,
  policyFacts,
  type RequestFacts,
} from './facts.ts';
export { addMoney, formatMoney, type Money, maxUnits, money, parseMoney, subtractMoney } from './money.ts';
export { personalPolicy } from './personal.ts';
export type { Rule } from './rule.ts';
export { maxPolicyBytes, maxPolicyRules, maxRuleDepth, maxRuleTokens } from './scan.ts';
