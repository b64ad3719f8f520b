import { checkBody, fail, idOf, leafClassOf, type Payload } from '@caponier/protocol';
import { encodeOwnersLeaf, leafHash } from '@caponier/tlog';
import { demandAuthority, demandRoots } from '../owner/authority.ts';
import type { LaterKind } from '../owner/view.ts';
import { checkAskTimes } from '../request/ask.ts';
import { checkGrantCovers } from '../request/grant.ts';
import { checkDelegations, checkEnrolment, checkSigner } from '../request/signer.ts';
import { checkAgreement, checkDecision, checkIssuer, checkPermitTimes } from '../worker/checks.ts';
import { checkDecisionEvent, checkHeard, checkPolicy } from './decision.ts';
import { checkLogged, follows, logPolicy } from './events.ts';
import { checkSided } from './path.ts';
import type { CapsuleUnderCheck } from './under-check.ts';
import { checkOutcomes, checkUseEvents, checkUses } from './uses.ts';

export interface CapsuleCheck {
  /** Stable: what a report names. */
  readonly name: string;
  readonly run: (capsule: CapsuleUnderCheck) => void | Promise<void>;
}

const atDecision = (capsule: CapsuleUnderCheck) => capsule.at(capsule.permit.payload.iat);

/** The trust file is this owner's, and no older than what it is held against. */
function checkOwner({ request, head, permit, history, now }: CapsuleUnderCheck): void {
  if (request.payload.owner !== history.owner) throw fail('owner.unknown', 'the trust file is of another owner');
  if (!follows(head.payload.iat, history.asOf) || !follows(permit.payload.iat, history.asOf))
    throw fail('owner.stale_view', 'the trust file is older than the capsule');
  if (!follows(permit.payload.iat, now)) throw fail('permit.expired', 'from the future');
}

/** The head is signed by the owner's roots of its time, before the decision; every cosign shown counts. */
function checkHead({ head, headCosigns, state, history, permit }: CapsuleUnderCheck): void {
  const { owner } = history;
  if (head.kind === 'owner') {
    if (head.id !== owner) throw fail('owner.unknown', 'head of another owner');
    demandRoots(state.roots, owner, head, headCosigns);
  } else {
    const { payload } = head;
    if ((payload as Payload<LaterKind>).owner !== owner) throw fail('owner.unknown', 'head of another owner');
    // A `rotate` is signed under the roots before it.
    const before = head.kind === 'rotate' ? history.at(payload.seq - 1) : state;
    if (head.kind === 'thaw') demandRoots(before.roots, owner, head, headCosigns);
    else demandAuthority(before, owner, head as never, headCosigns);
  }
  const keys = headCosigns.map(({ kid }) => kid);
  const foreign = headCosigns.some(({ payload }) => payload.of !== head.id || payload.aud !== owner);
  if (foreign || new Set([head.kid, ...keys]).size !== keys.length + 1) throw fail('owner.conflict', 'cosigns');
  if (!follows(head.payload.iat, permit.payload.iat)) throw fail('owner.stale_view', 'head is later than the decision');
}

/** The head is in the log that its owner named, seen by its witnesses. */
function checkHeadLogged({ head, history, trust, content, now }: CapsuleUnderCheck): void {
  const { kind, payload, id } = head;
  const leaf = encodeOwnersLeaf({
    owner: history.owner,
    seq: payload.seq,
    class: leafClassOf(kind, payload as Payload<LaterKind>),
    id,
  });
  const seen = checkLogged(content.chain.logged, leafHash(leaf), logPolicy(trust, 'owners'));
  if (!follows(payload.iat, seen) || !follows(seen, now)) throw fail('log.bad_proof', 'time of the checkpoint');
}

/** Roots, trust and every member shown are in force under the head's `view`. */
function checkInForce({ head, state, trust, content }: CapsuleUnderCheck): void {
  const { view } = head.payload;
  const inForce = (id: string, path: readonly string[] | null) => {
    if (path === null ? id !== head.id : id === head.id) throw fail('log.bad_proof', 'head or member');
    if (path !== null) checkSided(id, path, view);
  };
  const { roots, trust: trustPath, members } = content.chain;
  inForce(state.roots.id, roots);
  inForce(trust.id, trustPath);
  // By id, before any is looked into: the ids commit to all of it.
  const ids = members.map(({ statement }) => idOf(statement));
  for (const [i, id] of ids.entries()) inForce(id, members[i]!.path);
  if (new Set(ids).size !== ids.length) throw fail('owner.conflict', 'a member twice');
}

/** The request is for a worker that the owner named for the class, and so is the permit. */
function checkWorker({ request, permit, view }: CapsuleUnderCheck): void {
  const { class: of, aud } = request.payload;
  if (!view.isWorker(of, aud)) throw fail('request.wrong_class', of);
  if (permit.payload.aud !== aud) throw fail('permit.wrong_audience');
}

/** The parameters are those that were signed, where they are shown. */
function checkShownBody({ request, body }: CapsuleUnderCheck): void {
  if (body !== null) checkBody(body, request.payload.body);
}

function checkVerdict(capsule: CapsuleUnderCheck): void {
  if (capsule.permit.payload.decision === 'allow') checkDecision(atDecision(capsule));
}

/** In this order; the report names the first that fails, after `form`. */
export const capsuleOrder: readonly CapsuleCheck[] = Object.freeze([
  { name: 'owner', run: checkOwner },
  { name: 'chain-head', run: checkHead },
  { name: 'chain-logged', run: checkHeadLogged },
  { name: 'in-force', run: checkInForce },
  { name: 'permit-issuer', run: (c) => checkIssuer(atDecision(c)) },
  { name: 'request-signer', run: (c) => checkSigner(atDecision(c)) },
  { name: 'delegations', run: (c) => checkDelegations(atDecision(c)) },
  { name: 'enrolment', run: (c) => checkEnrolment(atDecision(c)) },
  { name: 'agreement', run: (c) => checkAgreement(atDecision(c)) },
  { name: 'decision', run: checkVerdict },
  { name: 'worker', run: checkWorker },
  { name: 'request-times', run: (c) => checkAskTimes(atDecision(c)) },
  { name: 'permit-times', run: (c) => checkPermitTimes(atDecision(c)) },
  { name: 'grant', run: (c) => checkGrantCovers(atDecision(c)) },
  { name: 'request-body', run: checkShownBody },
  { name: 'approvals', run: checkHeard },
  { name: 'decision-event', run: checkDecisionEvent },
  { name: 'uses', run: checkUses },
  { name: 'outcomes', run: checkOutcomes },
  { name: 'use-events', run: checkUseEvents },
  // Last, for it costs most: whoever shows rubbish has been told so by then.
  { name: 'policy', run: checkPolicy },
] satisfies CapsuleCheck[]);
