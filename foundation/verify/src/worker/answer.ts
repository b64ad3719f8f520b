import { checkBody, type Did, fail, type Verified, verifyStatement } from '@caponier/protocol';
import { decodeAnswer } from './wire.ts';

/** What the caller holds of a use that it presented. */
export interface PresentedIds {
  readonly worker: Did;
  readonly owner: string;
  readonly request: string;
  readonly permit: string;
  readonly use: string;
}

/**
 * The caller's side: the outcome is by the worker that was asked, for this use, and the body is the one it signed.
 * Throws `outcome.mismatch`, and as `decodeAnswer` and `verifyStatement`.
 */
export function openOutcome(
  text: Uint8Array,
  ids: PresentedIds,
): { readonly outcome: Verified<'outcome'>; readonly body: Uint8Array | null } {
  const { outcome: jws, body } = decodeAnswer(text);
  const outcome = verifyStatement(jws, 'outcome');
  const { aud, request, permit, use } = outcome.payload;
  if (outcome.kid !== ids.worker) throw fail('outcome.mismatch', 'signer');
  if (aud !== ids.owner || request !== ids.request || permit !== ids.permit || use !== ids.use)
    throw fail('outcome.mismatch', 'another use');
  checkBody(body, outcome.payload.body);
  return { outcome, body };
}
