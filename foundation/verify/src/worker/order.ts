import type { ErrorCode } from '@caponier/protocol';
import { checkApprovals } from '../request/approvals.ts';
import { checkAskTimes } from '../request/ask.ts';
import { checkGrantCovers } from '../request/grant.ts';
import { checkDelegations, checkEnrolment, checkSigner } from '../request/signer.ts';
import { checkFresh, checkNotFrozen, checkNotRevoked } from '../request/standing.ts';
import {
  checkAgreement,
  checkAudience,
  checkCeilings,
  checkClass,
  checkDecision,
  checkIssuer,
  checkOperation,
  checkPermitTimes,
  checkRequestBody,
  checkResource,
  checkUseProof,
  checkUseSigner,
  checkUseTimes,
} from './checks.ts';
import type { UseUnderCheck } from './under-check.ts';

/** One check: what it is called, the codes that only it gives, and itself. */
export interface Check {
  readonly name: string;
  readonly codes: readonly ErrorCode[];
  readonly run: (check: UseUnderCheck) => void | Promise<void>;
}

/**
 * What a worker checks, always, in this order (design section 7). Size and form come before (`openUse`). After it,
 * `performUse` looks once more whether all still stands, and takes the counter and the one use of the permit in one
 * transaction with the intent. docs/checks.md pairs each with its test.
 */
export const checkOrder: readonly Check[] = Object.freeze([
  { name: 'permit-issuer', codes: ['permit.bad_issuer'], run: checkIssuer },
  { name: 'request-signer', codes: ['request.bad_signer'], run: checkSigner },
  { name: 'delegations', codes: ['request.bad_delegation', 'request.exceeds_delegation'], run: checkDelegations },
  { name: 'enrolment', codes: ['owner.not_enrolled'], run: checkEnrolment },
  { name: 'agreement', codes: ['permit.request_mismatch'], run: checkAgreement },
  { name: 'decision', codes: ['permit.not_allowed'], run: checkDecision },
  { name: 'request-body', codes: ['permit.request_mismatch'], run: checkRequestBody },
  { name: 'audience', codes: ['request.wrong_audience', 'permit.wrong_audience'], run: checkAudience },
  { name: 'operation', codes: ['request.wrong_operation'], run: checkOperation },
  { name: 'class', codes: ['request.wrong_class'], run: checkClass },
  { name: 'resource', codes: ['request.wrong_resource'], run: checkResource },
  { name: 'request-times', codes: ['request.expired', 'request.delegation_expired'], run: checkAskTimes },
  { name: 'permit-times', codes: ['permit.expired'], run: checkPermitTimes },
  { name: 'fresh', codes: ['owner.stale_view'], run: checkFresh },
  { name: 'revoked', codes: ['owner.revoked'], run: checkNotRevoked },
  { name: 'frozen', codes: ['owner.frozen'], run: checkNotFrozen },
  { name: 'grant', codes: ['grant.not_covered'], run: checkGrantCovers },
  { name: 'ceilings', codes: ['grant.ceiling_reached'], run: checkCeilings },
  { name: 'approvals', codes: ['approval.missing', 'approval.invalid'], run: checkApprovals },
  { name: 'use-signer', codes: ['use.bad_signer'], run: checkUseSigner },
  { name: 'use-proof', codes: ['use.mismatch'], run: checkUseProof },
  { name: 'use-times', codes: ['use.expired'], run: checkUseTimes },
]);

/** Runs checks one after another; the first that fails throws its code. */
export async function runChecks(order: readonly Check[], check: UseUnderCheck): Promise<void> {
  for (const { run } of order) await run(check);
}
