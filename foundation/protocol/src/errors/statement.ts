import { defineErrors } from './define.ts';

/** Codes of statement form and signature. */
export const statementErrors = defineErrors({
  'statement.too_large': {
    status: 413,
    exit: 5,
    title: 'The statement is too large.',
    hint: 'Statements are at most 16 KiB, requests 4 KiB; put large content into the body.',
  },
  'statement.malformed': {
    status: 400,
    exit: 5,
    title: 'The statement is not well formed.',
    hint: 'Use a current Caponier client.',
  },
  'statement.wrong_kind': {
    status: 400,
    exit: 5,
    title: 'Another kind of statement was expected.',
    hint: 'Use a current Caponier client.',
  },
  'statement.bad_payload': {
    status: 400,
    exit: 5,
    title: 'The statement has missing, extra or invalid members.',
    hint: 'Use a current Caponier client.',
  },
  'statement.bad_signature': {
    status: 401,
    exit: 5,
    title: 'The signature does not match.',
    hint: 'The statement was altered or signed by another key.',
  },
  'statement.bad_key': {
    status: 400,
    exit: 5,
    title: 'The signing key has an unusable name.',
    hint: 'Keys are named by their did:key, Ed25519 or P-256.',
  },
});
