import { fail, type Signer, type Verified } from '@caponier/protocol';
import { type ApprovalTerms, judgeApproval } from './approvals.ts';
import { askUnderCheck, checkAsker } from './ask.ts';
import { Bundle } from './bundle.ts';
import type { RequestUnderCheck, Views } from './context.ts';

/** What broker and gate share in taking a submission. */

/** Where the views of a service come from; a `LogFollower` is one. */
export interface ServiceViews extends Views {
  /** As `get`, after asking for statements that were not shown. */
  resolve(owner: string): Promise<unknown>;
  /** A freeze or revocation from the owner's own hand. */
  offer(statement: string, cosigns: readonly string[]): Promise<void>;
}

export interface SubmissionPorts {
  readonly views: ServiceViews;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly signer: Pick<Signer, 'did'>;
  readonly role: 'broker' | 'gate';
}

/**
 * Form, signature, view, enrolment, agent: from here on it is known who asks. Throws `permit.bad_issuer` where the owner
 * names another broker or gate, and as `Bundle.open`, `checkAsker`.
 */
export async function openSubmission(texts: readonly string[], ports: SubmissionPorts): Promise<RequestUnderCheck> {
  const { views, clock, signer, role } = ports;
  const bundle = Bundle.open(texts);
  const { owner, grant } = bundle.request.payload;
  await views.resolve(owner);
  const { view } = views.get(owner);
  const named = role === 'gate' ? view.isGate(signer.did) : view.isBroker(signer.did);
  if (!named) throw fail('permit.bad_issuer', `not a ${role} of this owner`);
  const home = view.grant(grant)?.to.owner;
  if (home) await views.resolve(home);
  const check = askUnderCheck(bundle, views, clock());
  checkAsker(check);
  return check;
}

/** Who asks, as budgets and keys count it: by name, never by run key; a contact's names are told apart from ours. */
export function subjectOf({ asker, owner }: RequestUnderCheck): string {
  const name = asker.agent ?? asker.device;
  return asker.owner === owner.view.id ? name : `${asker.owner}/${name}`;
}

/** Who could give this asker any number of other names: its device, or for a contact whoever owns that. */
export function groupOf({ asker, owner }: RequestUnderCheck): string {
  return asker.owner === owner.view.id ? asker.device : asker.owner;
}

/** What approvers said, one voice each; a no is heard whatever else was said. Throws `approval.invalid`. */
export function hearApprovers(
  check: RequestUnderCheck,
  terms: ApprovalTerms,
): { readonly approvals: readonly Verified<'approval'>[]; readonly denial: Verified<'approval'> | null } {
  const yes = new Map<string, Verified<'approval'>>();
  let denial: Verified<'approval'> | null = null;
  for (const approval of check.bundle.shownApprovals) {
    const { key } = judgeApproval(check, approval, terms);
    if (approval.payload.decision === 'deny') denial = approval;
    else if (!yes.has(key)) yes.set(key, approval);
  }
  return { approvals: [...yes.values()], denial };
}
