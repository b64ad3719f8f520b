import { crypto, toBase64url, utf8 } from '@caponier/crypto';
import { type Did, fail, type Verified } from '@caponier/protocol';
import type { Approver } from '../owner/state.ts';
import type { RequestUnderCheck } from './context.ts';
import { requireTime } from './times.ts';

/** Seconds for which an approval may be good. */
export const maxApprovalSeconds = 24 * 3600;

/** What an approval must be for, beside the request: the one that asked, and the policy it asked under. */
export interface ApprovalTerms {
  readonly decider: Did;
  readonly policy: string | null;
}

/**
 * The approver behind one approval, `allow` or `deny`: of this owner, named by the grant, not frozen, in the right place if
 * by passkey, for this request, decider and policy, and in time. Throws `approval.invalid`.
 */
export function judgeApproval(
  check: RequestUnderCheck,
  approval: Verified<'approval'>,
  terms: ApprovalTerms,
): Approver {
  const { owner, grant, request, now } = check;
  const { aud, owner: of, request: about, policy } = approval.payload;
  const approver = owner.view.approver(approval.kid);
  if (!approver) throw fail('approval.invalid', 'not an approver of the owner');
  const { from } = grant.approvals;
  if (from.length > 0 && !from.includes(approval.kid)) throw fail('approval.invalid', 'not one the grant names');
  if (owner.view.frozen(approval.kid)) throw fail('approval.invalid', 'approver is frozen');
  if (of !== owner.view.id || about !== request.id) throw fail('approval.invalid', 'for another request');
  if (aud !== terms.decider || policy !== terms.policy)
    throw fail('approval.invalid', 'asked by another, or other terms');
  checkPlace(approval, approver);
  requireTime(approval.payload, now, 'approval.invalid', maxApprovalSeconds);
  return approver;
}

/** A passkey answers only where its owner said that it may; a page elsewhere could show one thing and sign another. */
function checkPlace({ passkey }: Verified<'approval'>, approver: Approver): void {
  if ((passkey === null) !== (approver.passkey === null)) throw fail('approval.invalid', 'passkey');
  if (passkey === null || approver.passkey === null) return;
  const { rpId, origins } = approver.passkey;
  if (passkey.rpIdHash !== toBase64url(crypto.sha256(utf8(rpId))) || !origins.includes(passkey.origin))
    throw fail('approval.invalid', 'passkey of another place');
}

/** How many different approvers said yes. Throws `approval.invalid` for one that does not count, a `deny` included. */
export function countApprovals(
  check: RequestUnderCheck,
  approvals: readonly Verified<'approval'>[],
  terms: ApprovalTerms,
): number {
  const keys = new Set<string>();
  for (const approval of approvals) {
    const { key } = judgeApproval(check, approval, terms);
    if (approval.payload.decision !== 'allow') throw fail('approval.invalid', 'it says no');
    keys.add(key);
  }
  return keys.size;
}

/** What the permit names must all count, and be as many as the grant asks for. Throws `approval.missing` too. */
export function checkApprovals(check: RequestUnderCheck): void {
  const { bundle, grant } = check;
  const { kid, payload } = bundle.permit;
  const terms = { decider: kid, policy: payload.policy };
  if (countApprovals(check, bundle.approvals(payload.approvals), terms) < grant.approvals.k)
    throw fail('approval.missing', `${grant.approvals.k} needed`);
}
