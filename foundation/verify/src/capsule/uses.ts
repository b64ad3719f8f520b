import { crypto, fromBase64url, toBase64url } from '@caponier/crypto';
import { checkBody, decodeDecisionEvent, fail } from '@caponier/protocol';
import { checkAskTimes } from '../request/ask.ts';
import { maxUseSeconds, requireTime } from '../request/times.ts';
import { checkPermitTimes } from '../worker/checks.ts';
import { decodeWorkerEvent } from '../worker/events.ts';
import { checkEvent, follows } from './events.ts';
import type { CapsuleUnderCheck, ShownUse } from './under-check.ts';

/** What was done with the permit. */

/** Each by the key that made the request, for this permit and worker, while both were valid. */
export function checkUses(capsule: CapsuleUnderCheck): void {
  const { request, permit, uses, body } = capsule;
  const { decision, uses: most } = permit.payload;
  if (decision !== 'allow' ? uses.length > 0 || most > 0 : uses.length > most) throw fail('permit.not_allowed', 'uses');
  if (new Set(uses.map(({ outcome }) => outcome.payload.use)).size !== uses.length) throw fail('use.replayed');
  for (const { use } of uses) {
    if (!use) continue;
    const { payload } = use;
    if (use.kid !== request.kid) throw fail('use.bad_signer');
    if (payload.aud !== request.payload.aud || payload.permit !== permit.id || payload.request !== request.id)
      throw fail('use.mismatch', 'permit');
    const shown = body ?? (request.payload.body === null ? new Uint8Array(0) : null);
    if (shown && payload.body !== toBase64url(crypto.sha256(shown))) throw fail('use.mismatch', 'body');
    requireTime(payload, payload.iat * 1000, 'use.expired', maxUseSeconds);
    const then = capsule.at(payload.iat);
    checkAskTimes(then);
    checkPermitTimes(then);
  }
}

/** Each outcome is by the worker that the request was for, and names this use. */
export function checkOutcomes(capsule: CapsuleUnderCheck): void {
  const { request, permit, uses, history } = capsule;
  for (const { shown, use, outcome } of uses) {
    const { payload } = outcome;
    if (outcome.kid !== request.payload.aud) throw fail('outcome.mismatch', 'signer');
    if (payload.aud !== history.owner || payload.request !== request.id || payload.permit !== permit.id)
      throw fail('outcome.mismatch', 'another permit');
    if (use && payload.use !== use.id) throw fail('outcome.mismatch', 'another use');
    if (!follows(permit.payload.iat, payload.iat)) throw fail('outcome.mismatch', 'before its permit');
    if (shown.body !== null) checkBody(fromBase64url(shown.body), payload.body);
  }
}

/** The worker's events of intent and outcome, and the decider's of what was reported, each in the witnessed log. */
export function checkUseEvents(capsule: CapsuleUnderCheck): void {
  for (const shown of capsule.uses) {
    checkWorkerEvents(capsule, shown);
    checkReport(capsule, shown);
  }
}

function checkWorkerEvents({ trust, history }: CapsuleUnderCheck, { shown: { worker }, outcome }: ShownUse): void {
  if (!worker) return;
  const { request, permit, use, event } = outcome.payload;
  const intent = decodeWorkerEvent(checkEvent(worker.intent, outcome.kid, trust).body);
  if (worker.intent.index !== event || intent.type !== 'intent') throw fail('outcome.mismatch', 'intent');
  if (intent.owner !== history.owner || intent.request !== request || intent.permit !== permit || intent.use !== use)
    throw fail('outcome.mismatch', 'intent of another use');
  const end = decodeWorkerEvent(checkEvent(worker.outcome, outcome.kid, trust).body);
  if (end.type !== 'outcome' || end.statement !== outcome.jws || worker.outcome.index <= event)
    throw fail('outcome.mismatch', 'event of another outcome');
}

function checkReport({ trust, permit, history }: CapsuleUnderCheck, { shown: { reported }, outcome }: ShownUse): void {
  if (!reported) return;
  const event = decodeDecisionEvent(checkEvent(reported, permit.kid, trust).body);
  if (event.type !== 'outcome' || event.outcome !== outcome.id || event.owner !== history.owner)
    throw fail('outcome.mismatch', 'report of another outcome');
  if (event.request !== outcome.payload.request || event.result !== outcome.payload.result)
    throw fail('outcome.mismatch', 'report says something else');
}
