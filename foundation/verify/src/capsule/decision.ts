import { utf8 } from '@caponier/crypto';
import {
  callFacts,
  canonicalFacts,
  compilePolicy,
  evaluate,
  loadPolicyEngine,
  type PolicyFacts,
  parseFacts,
  policyFacts,
  withApprovals,
} from '@caponier/policy';
import { checkBody, decodeDecisionEvent, fail } from '@caponier/protocol';
import { judgeApproval } from '../request/approvals.ts';
import { follows } from './events.ts';
import type { CapsuleUnderCheck } from './under-check.ts';

/** What the decider said, and whether its policy says the same again. */

/** The facts that the decision's event holds; null where a grant alone decided. */
function recordedFacts(capsule: CapsuleUnderCheck): { readonly facts: string | null; readonly seen: number } {
  const { permit, request, content } = capsule;
  const { body, seen } = capsule.decision;
  const event = decodeDecisionEvent(body);
  if (event.type !== 'decision') throw fail('permit.request_mismatch', 'event of something else');
  const { event: index, ...said } = permit.payload;
  if (index !== content.decision.index) throw fail('permit.request_mismatch', 'index of the event');
  if (canonical(event.permit) !== canonical(said)) throw fail('permit.request_mismatch', 'event of another permit');
  if (event.delegations.join() !== request.payload.delegations.join())
    throw fail('permit.request_mismatch', 'event of other delegations');
  return { facts: event.facts, seen };
}

/** Members of two payloads by name: the event was written in the order of the form, the statement by its signer. */
function canonical(value: object): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** The decision is an event of the decider, in the log that the owner's witnesses saw. */
export function checkDecisionEvent(capsule: CapsuleUnderCheck): void {
  const { seen } = recordedFacts(capsule);
  if (!follows(capsule.permit.payload.iat, seen)) throw fail('log.bad_proof', 'logged before it was decided');
}

/** Approvals as the decider heard them: each counts, those that say yes and those that say no. */
function heard(capsule: CapsuleUnderCheck): { readonly yes: number; readonly denied: boolean } {
  const { permit, bundle } = capsule;
  const check = capsule.at(permit.payload.iat);
  const terms = { decider: permit.kid, policy: permit.payload.policy };
  if (bundle.shownApprovals.length !== permit.payload.approvals.length)
    throw fail('approval.invalid', 'one that the permit does not name');
  const yes = new Set<string>();
  let denied = false;
  for (const approval of bundle.approvals(permit.payload.approvals)) {
    const { key } = judgeApproval(check, approval, terms);
    if (approval.payload.decision === 'deny') denied = true;
    else yes.add(key);
  }
  return { yes: yes.size, denied };
}

/** Every approval counts, and there are as many as the grant asks for where the permit says yes. */
export function checkHeard(capsule: CapsuleUnderCheck): void {
  const { permit } = capsule;
  const { grant } = capsule.at(permit.payload.iat);
  const { yes, denied } = heard(capsule);
  const { decision } = permit.payload;
  if (decision === 'allow' && denied) throw fail('approval.invalid', 'one says no');
  if (decision === 'allow' && yes < grant.approvals.k) throw fail('approval.missing', `${grant.approvals.k} needed`);
}

/** Where the gate decided: its policy text is the one in force, its facts are those of the statements, and it says the same. */
export async function checkPolicy(capsule: CapsuleUnderCheck): Promise<void> {
  const { permit, content, view } = capsule;
  const { policy: id, decision, code, rule, budget } = permit.payload;
  const { facts: text } = recordedFacts(capsule);
  const { grant } = capsule.at(permit.payload.iat);
  if (grant.decides === 'broker') {
    if (id !== null || content.policy !== null || text !== null)
      throw fail('permit.bad_issuer', 'a grant has no policy');
    return;
  }
  if (id === null || content.policy === null || text === null) throw fail('policy.error', 'no policy or facts');
  if (view.policy?.id !== id) throw fail('policy.error', 'not the policy in force');
  checkBody(utf8(content.policy), view.policy.body);
  await loadPolicyEngine();
  const policy = compilePolicy(content.policy);
  const { yes, denied } = heard(capsule);
  const recorded = parseFacts(text);
  const body = shownCall(capsule, recorded);
  const facts = policyFacts(capsule.request.payload, {
    device: capsule.at(permit.payload.iat).device,
    grant,
    body: null,
    time: permit.payload.iat,
    approvals: yes,
    custody: permit.payload.custody,
    budgets: policy.budgets,
    // What was spent before is the gate's word.
    spent: (taken) => recorded.spent.find((entry) => entry.budget === taken.name)?.units ?? 0,
  });
  if (canonicalFacts({ ...facts, call: body }) !== text) throw fail('policy.bad_facts', 'not those of the statements');
  const again = withApprovals(evaluate(policy, recorded), { denied, needed: grant.approvals.k, counting: yes });
  if (
    canonical({ ...again, rules: [], approvals: 0 }) !==
    canonical({ decision, code, rule, budget, rules: [], approvals: 0 })
  )
    throw fail('policy.denied', 'the policy says something else');
}

/** What the body says about the outside; the gate's word where it is withheld. */
function shownCall({ body, request }: CapsuleUnderCheck, recorded: PolicyFacts): PolicyFacts['call'] {
  return body === null && request.payload.body !== null ? recorded.call : callFacts(body);
}
