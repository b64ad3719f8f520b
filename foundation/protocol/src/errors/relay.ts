import { defineErrors } from './define.ts';

/** Codes of the relay, with their WebSocket close codes. */
export const relayErrors = defineErrors({
  'relay.rate_limited': {
    status: 429,
    exit: 3,
    title: 'Too many attempts.',
    hint: 'Wait a minute and try again.',
    close: 4429,
  },
  'relay.not_admitted': {
    status: 403,
    exit: 5,
    title: 'This relay does not admit you.',
    hint: 'Ask the operator for a ticket.',
    close: 4403,
  },
  'relay.bad_hello': {
    status: 401,
    exit: 5,
    title: 'The relay refused the proof of this device.',
    hint: 'The device must be enrolled by its owner.',
    close: 4401,
  },
});
