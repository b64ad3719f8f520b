import { type Random, toBase64url } from '@caponier/crypto';
import { canonicalFacts, evaluate, type Policy, periodStart, policyFacts, withApprovals } from '@caponier/policy';
import { type Custody, limits, type Payload, type Verified } from '@caponier/protocol';
import type { BudgetAccount, DecisionLedger, MadeDecision } from '@caponier/store';
import type { Device, Grant } from '@caponier/verify';

/** A request that passed every check before the policy. */
export interface Case {
  readonly request: Verified<'request'>;
  readonly delegations: readonly Verified<'delegate'>[];
  /** Those that count: each by another approver, for this request under this policy. */
  readonly approvals: readonly Verified<'approval'>[];
  /** One that says no, where there is one. */
  readonly denial: Verified<'approval'> | null;
  readonly device: Device;
  readonly grant: Grant;
  /** Agent or device, as budgets count it. */
  readonly subject: string;
  readonly body: Uint8Array | null;
  readonly policyId: string;
  readonly policy: Policy;
}

export interface JudgeOptions {
  readonly ledger: DecisionLedger;
  readonly clock: () => number;
  readonly random: Random;
  readonly custody: Custody;
}

/** Evaluates the policy on a case with what its budgets hold now. Pure but for reading those. */
export async function judge(asked: Case, { ledger, clock, random, custody }: JudgeOptions): Promise<MadeDecision> {
  const { request, policy, policyId, grant, approvals } = asked;
  const { payload } = request;
  const iat = Math.floor(clock() / 1000);
  const accounts = policy.budgets.map(({ name, limit, per, shared }): BudgetAccount => {
    const scope = shared ? '*' : asked.subject;
    return { owner: payload.owner, budget: name, currency: limit.currency, scope, period: periodStart(per, iat) };
  });
  const spent = await ledger.spent(accounts);
  const facts = policyFacts(payload, {
    device: asked.device,
    grant,
    body: asked.body,
    time: iat,
    approvals: approvals.length,
    custody,
    budgets: policy.budgets,
    spent: (budget) => spent[policy.budgets.indexOf(budget)] ?? 0,
  });
  const { budget, decision, code, rule } = withApprovals(evaluate(policy, facts), {
    denied: asked.denial !== null,
    needed: grant.approvals.k,
    counting: approvals.length,
  });
  const answers = asked.denial ? [...approvals, asked.denial] : approvals;
  const permit: Omit<Payload<'permit'>, 'event'> = {
    aud: payload.aud,
    owner: payload.owner,
    request: request.id,
    approvals: answers.map(({ id }) => id),
    decision,
    uses: decision === 'allow' ? 1 : 0,
    code,
    rule,
    grant: grant.id,
    policy: policyId,
    budget,
    custody,
    iat,
    // A question stands as long as the request: its person may be asleep.
    exp: decision === 'ask' ? Math.max(payload.exp, iat + 1) : iat + limits.permitSeconds.default,
    nonce: toBase64url(random(16)),
  };
  const account = accounts.find((one) => one.budget === budget?.name);
  return {
    permit,
    delegations: asked.delegations.map(({ id }) => id),
    facts: canonicalFacts(facts),
    statements: [request, ...asked.delegations, ...answers].map(({ id, jws }) => ({ id, jws })),
    assumed: accounts.map((one, i) => ({ account: one, units: spent[i] ?? 0 })),
    reserve: account && budget ? { account, units: budget.before - budget.after } : null,
  };
}
