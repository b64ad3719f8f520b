import { defineErrors } from './define.ts';

/** Codes of log, registry and witness. */
export const logErrors = defineErrors({
  'log.bad_note': {
    status: 400,
    exit: 5,
    title: 'The checkpoint is malformed.',
    hint: 'The log or something between is faulty.',
  },
  'log.bad_signature': {
    status: 403,
    exit: 5,
    title: 'The checkpoint is not signed by the named log.',
    hint: 'The log or something between is lying.',
  },
  'log.not_enough_witnesses': {
    status: 503,
    exit: 5,
    title: 'Too few witnesses signed the checkpoint.',
    hint: 'Wait, or check that the witnesses run.',
  },
  'log.bad_proof': {
    status: 403,
    exit: 5,
    title: 'A Merkle proof does not verify.',
    hint: 'The log or something between is lying.',
  },
  'log.rolled_back': {
    status: 403,
    exit: 5,
    title: 'The log is smaller than one already seen.',
    hint: 'The registry was rolled back: an alarm was raised. See `caponier doctor`.',
  },
  'log.forked': {
    status: 403,
    exit: 5,
    title: 'The log shows two histories.',
    hint: 'The registry lies: an alarm was raised. See `caponier doctor`.',
  },
  'log.wrong_class': {
    status: 403,
    exit: 5,
    title: 'The log gives a statement the wrong class.',
    hint: 'The registry lies: an alarm was raised. See `caponier doctor`.',
  },
  'log.bad_leaf': { status: 403, exit: 5, title: 'A log entry is malformed.', hint: 'The registry is faulty or lies.' },
  'registry.quota': {
    status: 429,
    exit: 5,
    title: 'This owner wrote too many statements today.',
    hint: 'Try again tomorrow.',
  },
  'registry.not_reader': {
    status: 403,
    exit: 5,
    title: 'This key may not read the private statements of the owner.',
    hint: 'The owner must name it in the trust statement.',
  },
  'registry.bad_hello': {
    status: 401,
    exit: 5,
    title: 'The proof of who asks does not hold.',
    hint: 'Get a fresh challenge and sign it; check the clock.',
  },
  'registry.not_admitted': {
    status: 403,
    exit: 5,
    title: 'This registry does not take new owners without admission.',
    hint: 'Ask the operator for a ticket.',
  },
  'registry.not_service': {
    status: 403,
    exit: 5,
    title: 'This key may not write events here.',
    hint: 'The operator names the services of this registry.',
  },
  'registry.cut': {
    status: 503,
    exit: 3,
    title: 'The stream was cut.',
    hint: 'Connect again, and read without pause.',
  },
  'registry.bad_range': {
    status: 400,
    exit: 5,
    title: 'The range is not one of this log.',
    hint: 'Ask for an existing range.',
  },
  'witness.unknown_log': {
    status: 404,
    exit: 5,
    title: 'This witness does not know the log.',
    hint: 'Register the log with the witness first.',
  },
  'witness.conflict': {
    status: 409,
    exit: 5,
    title: 'The checkpoint does not start where the witness stands.',
    hint: 'Send a proof from the size in the answer.',
  },
});
