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
  'gate.ask': {
    status: 202,
    exit: 5,
    title: 'A person has to say yes.',
    hint: 'An approver answers with `caponier asks`.',
  },
  'broker.not_standing': {
    status: 403,
    exit: 5,
    title: 'This grant is decided by the gate.',
    hint: 'Ask the gate for the permit.',
  },
});
