import { crypto, fromBase64url } from '@caponier/crypto';
import { checkBody, fail, limits } from '@caponier/protocol';
import type { RequestUnderCheck } from '../request/context.ts';
import { maxUseSeconds, requireTime } from '../request/times.ts';
import type { UseUnderCheck } from './under-check.ts';

/** The checks that only a worker makes; those it shares with broker and gate stand in `request/`. */

/** By the broker or gate that this owner's `trust` and this grant name. Throws `permit.bad_issuer`. */
export function checkIssuer({ bundle, owner, grant }: RequestUnderCheck): void {
  const { kid } = bundle.permit;
  const named = grant.decides === 'gate' ? owner.view.isGate(kid) : owner.view.isBroker(kid);
  if (!named) throw fail('permit.bad_issuer');
}

/** The permit is for this request, of this owner, under this grant. Throws `permit.request_mismatch`. */
export function checkAgreement({ bundle, request }: RequestUnderCheck): void {
  const { payload: permit } = bundle.permit;
  const { owner, grant } = request.payload;
  if (permit.request !== request.id) throw fail('permit.request_mismatch', 'request');
  if (permit.owner !== owner || permit.grant !== grant) throw fail('permit.request_mismatch', 'owner or grant');
}

/** It says yes, and to no more uses than asked; a gate's yes is for one. Throws `permit.not_allowed`. */
export function checkDecision({ bundle, request, grant }: RequestUnderCheck): void {
  const { decision, uses } = bundle.permit.payload;
  if (decision !== 'allow') throw fail('permit.not_allowed', decision);
  if (uses < 1 || uses > request.payload.uses || (grant.decides === 'gate' && uses > 1))
    throw fail('permit.not_allowed', `${uses} uses`);
}

/** The body is the one that the request signed. Throws `permit.request_mismatch`. */
export function checkRequestBody({ request, body }: UseUnderCheck): void {
  checkBody(body, request.payload.body);
}

/** Both are for this very worker. Throws `request.wrong_audience`, `permit.wrong_audience`. */
export function checkAudience({ bundle, request, me }: UseUnderCheck): void {
  if (request.payload.aud !== me.did) throw fail('request.wrong_audience');
  if (bundle.permit.payload.aud !== me.did) throw fail('permit.wrong_audience');
}

/** Throws `request.wrong_operation`. */
export function checkOperation({ request, me }: UseUnderCheck): void {
  if (!Object.hasOwn(me.ops, request.payload.op)) throw fail('request.wrong_operation', request.payload.op);
}

/** The worker's class, and the owner lets this worker serve it. Throws `request.wrong_class`. */
export function checkClass({ request, owner, me }: UseUnderCheck): void {
  const { class: of } = request.payload;
  if (of !== me.class || !owner.view.isWorker(of, me.did)) throw fail('request.wrong_class', of);
}

/** Throws `request.wrong_resource`. */
export function checkResource({ request, me }: UseUnderCheck): void {
  const { op, resource } = request.payload;
  const form = Object.hasOwn(me.ops, op) ? me.ops[op] : undefined;
  if (form && !form.test(resource)) throw fail('request.wrong_resource');
}

/** Throws `permit.expired`. */
export function checkPermitTimes({ bundle, now }: RequestUnderCheck): void {
  requireTime(bundle.permit.payload, now, 'permit.expired', limits.permitSeconds.max);
}

/**
 * Refuses early what the one transaction would refuse for certain, before the caller's proof is looked at. The transaction
 * counts again: two uses at once may both pass here, and one of them not there. Throws `grant.ceiling_reached`.
 */
export async function checkCeilings({ grant, count, ledger, now }: UseUnderCheck): Promise<void> {
  if (grant.ceilings.length === 0) return;
  const counts = await ledger.counts({ ...count, now });
  for (const { per, uses } of grant.ceilings) {
    if (counts[per] >= uses) throw fail('grant.ceiling_reached', `${uses} per ${per}`);
  }
}

/** By the key that made the request: a permit alone is of no use to who steals it. Throws `use.bad_signer`. */
export function checkUseSigner({ bundle, request }: RequestUnderCheck): void {
  if (bundle.use.kid !== request.kid) throw fail('use.bad_signer');
}

/** For this worker, permit, request, method, path and body. Throws `use.mismatch`. */
export function checkUseProof({ bundle, request, me, call, body }: UseUnderCheck): void {
  const { payload } = bundle.use;
  if (payload.aud !== me.did) throw fail('use.mismatch', 'audience');
  if (payload.permit !== bundle.permit.id || payload.request !== request.id) throw fail('use.mismatch', 'permit');
  if (payload.method !== call.method || payload.path !== call.path) throw fail('use.mismatch', 'method or path');
  if (!crypto.equal(fromBase64url(payload.body), crypto.sha256(body ?? new Uint8Array(0))))
    throw fail('use.mismatch', 'body');
}

/** Throws `use.expired`. */
export function checkUseTimes({ bundle, now }: RequestUnderCheck): void {
  requireTime(bundle.use.payload, now, 'use.expired', maxUseSeconds);
}
