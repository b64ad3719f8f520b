import { checkBody, fail } from '@caponier/protocol';
import type { Bundle } from './bundle.ts';
import { RequestUnderCheck, type Views } from './context.ts';
import { checkGrantCovers } from './grant.ts';
import { checkDelegations, checkEnrolment, checkSigner } from './signer.ts';
import { checkFresh, checkNotFrozen, checkNotRevoked } from './standing.ts';
import { checkRequestTimes } from './times.ts';

/**
 * What broker and gate check of a request, in the parts that their own steps (idempotency, replay, budgets) stand between.
 * Workers make the same checks again, from the same functions.
 */
export function askUnderCheck(bundle: Bundle, views: Views, now: number): RequestUnderCheck {
  return new RequestUnderCheck(bundle, views, now, ({ request }) => request.payload);
}

/** Signature, delegations, enrolment. Throws as these do, `grant.not_found`, `owner.unknown`, `owner.withheld`. */
export function checkAsker(check: RequestUnderCheck): void {
  checkSigner(check);
  checkDelegations(check);
  checkEnrolment(check);
}

/** The body that travelled along, where one did, is the one that was signed. Throws `permit.request_mismatch`. */
export function checkAskBody({ request }: RequestUnderCheck, body: Uint8Array | null): void {
  if (body !== null) checkBody(body, request.payload.body);
}

/** Times of request and delegations. */
export function checkAskTimes({ bundle, now }: RequestUnderCheck): void {
  checkRequestTimes(
    bundle.request.payload,
    bundle.delegations.map((delegation) => delegation.payload),
    now,
  );
}

/** Fresh view, nothing revoked or frozen. */
export function checkAskStanding(check: RequestUnderCheck): void {
  checkFresh(check);
  checkNotRevoked(check);
  checkNotFrozen(check);
}

/**
 * The grant covers the request, names this decider, and the worker it is for serves the class for this owner.
 * Throws `grant.not_covered`, `broker.not_standing`, `request.wrong_audience`.
 */
export function checkAskGrant(check: RequestUnderCheck, decides: 'broker' | 'gate'): void {
  const { grant, owner, request } = check;
  checkGrantCovers(check);
  if (grant.decides !== decides)
    throw decides === 'broker' ? fail('broker.not_standing') : fail('grant.not_covered', 'decided by the broker');
  if (!owner.view.isWorker(request.payload.class, request.payload.aud))
    throw fail('request.wrong_audience', 'no worker');
}
