import { defineErrors } from './define.ts';

/** Codes of requests, permits, approvals and uses: one for each check of design section 7. */
export const permitErrors = defineErrors({
  'permit.bad_issuer': {
    status: 403,
    exit: 5,
    title: 'The permit was not issued by whom the owner named.',
    hint: 'The broker or gate is not in the trust statement of this owner, or not the one the grant names.',
  },
  'permit.request_mismatch': {
    status: 403,
    exit: 5,
    title: 'The permit is for another request.',
    hint: 'Ask for a permit for exactly this request.',
  },
  'permit.not_allowed': {
    status: 403,
    exit: 5,
    title: 'The permit does not allow this.',
    hint: 'The decision was deny or ask.',
  },
  'permit.wrong_audience': {
    status: 403,
    exit: 5,
    title: 'The permit is for another worker.',
    hint: 'Send it to the worker it names.',
  },
  'permit.expired': {
    status: 403,
    exit: 5,
    title: 'The permit is not valid now.',
    hint: 'Ask for a new permit; check the clock.',
  },
  'permit.used_up': { status: 409, exit: 5, title: 'The permit has no uses left.', hint: 'Ask for a new permit.' },
  'request.bad_signer': {
    status: 403,
    exit: 5,
    title: 'The request was not signed by the agent or device it names.',
    hint: 'Sign it with the key that was delegated.',
  },
  'request.bad_delegation': {
    status: 403,
    exit: 5,
    title: 'The delegation does not lead from an enrolled device to this key.',
    hint: 'Start the agent again with `caponier run`.',
  },
  'request.exceeds_delegation': {
    status: 403,
    exit: 5,
    title: 'The delegation does not cover this.',
    hint: 'The agent may do less than its device; ask for less.',
  },
  'request.wrong_audience': {
    status: 403,
    exit: 5,
    title: 'The request is for another worker.',
    hint: 'Send it to the worker it names.',
  },
  'request.wrong_operation': {
    status: 403,
    exit: 5,
    title: 'The operation is not one of this worker.',
    hint: 'Check the operation and its class.',
  },
  'request.expired': {
    status: 403,
    exit: 5,
    title: 'The request is not valid now.',
    hint: 'Make a new request; check the clock.',
  },
  'request.replayed': {
    status: 409,
    exit: 5,
    title: 'The request was seen before.',
    hint: 'Make a new request with a new nonce.',
  },
  'grant.not_found': {
    status: 403,
    exit: 5,
    title: 'No grant covers this.',
    hint: 'The owner can add one with `caponier grant`.',
  },
  'grant.not_covered': {
    status: 403,
    exit: 5,
    title: 'The grant does not cover this request.',
    hint: 'The owner can widen it with `caponier grant`.',
  },
  'grant.ceiling_reached': {
    status: 429,
    exit: 5,
    title: 'The ceiling of the grant is reached.',
    hint: 'Wait for the next period, or ask the owner for a higher ceiling.',
  },
  'approval.missing': {
    status: 403,
    exit: 5,
    title: 'The grant asks for approvals that are not there.',
    hint: 'An approver answers with `caponier asks`.',
  },
  'approval.denied': { status: 403, exit: 5, title: 'An approver said no.', hint: 'Ask the owner.' },
  'approval.invalid': {
    status: 403,
    exit: 5,
    title: 'An approval does not count.',
    hint: 'It is for another request, expired, a refusal, or not by an approver of this owner.',
  },
  'use.bad_signer': {
    status: 403,
    exit: 5,
    title: 'The permit is not used by whom it was issued to.',
    hint: 'Only the key that made the request can use the permit.',
  },
  'use.mismatch': {
    status: 403,
    exit: 5,
    title: 'The proof of use is for another call.',
    hint: 'Method, path and body must be those that were signed.',
  },
  'use.expired': {
    status: 403,
    exit: 5,
    title: 'The proof of use is not valid now.',
    hint: 'Sign it again; check the clock.',
  },
  'use.replayed': {
    status: 409,
    exit: 5,
    title: 'This use was seen before.',
    hint: 'Count up for every use of a permit.',
  },
});
