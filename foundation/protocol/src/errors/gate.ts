import { defineErrors } from './define.ts';

/** Codes of gate and broker. */
export const gateErrors = defineErrors({
  'gate.idempotency_conflict': {
    status: 409,
    exit: 5,
    title: 'The idempotency key was used for another request.',
    hint: 'Use a new key for a new request.',
  },
  'gate.busy': { status: 503, exit: 3, title: 'Too many decisions are under way.', hint: 'Try again shortly.' },
  'gate.unwitnessed': {
    status: 503,
    exit: 3,
    title: 'Decisions do not reach the log, so none is made.',
    hint: 'The registry or its witnesses cannot be reached; try again shortly.',
  },
  'gate.bad_hello': {
    status: 401,
    exit: 5,
    title: 'It is not proven who asks.',
    hint: 'Answer a fresh challenge with the key of an enrolled device.',
  },
  'gate.ask': {
    status: 202,
    exit: 5,
    title: 'A person has to say yes.',
    hint: 'An approver answers with `caponier asks`.',
  },
  'gate.no_policy': {
    status: 503,
    exit: 5,
    title: 'The gate has no policy text of this owner.',
    hint: 'The owner sends it with `caponier policy push`.',
  },
  'gate.other_policy': {
    status: 409,
    exit: 5,
    title: 'This is not the text of the policy in force.',
    hint: 'Publish the policy statement first, then send its text; try again shortly.',
  },
  'outcome.bad_signer': {
    status: 403,
    exit: 5,
    title: 'The outcome was not signed by the worker that the request named.',
    hint: 'Only that worker can report.',
  },
  'outcome.unknown_permit': {
    status: 404,
    exit: 5,
    title: 'The outcome is of a permit that was not issued here.',
    hint: 'Report to whoever issued the permit.',
  },
  'outcome.settled': {
    status: 409,
    exit: 5,
    title: 'Another outcome was reported before.',
    hint: 'The first report stands.',
  },
  'broker.not_standing': {
    status: 403,
    exit: 5,
    title: 'This grant is decided by the gate.',
    hint: 'Ask the gate for the permit.',
  },
});
