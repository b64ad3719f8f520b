import { defineErrors } from './define.ts';

/** Codes of capsules and trust files. */
export const capsuleErrors = defineErrors({
  'capsule.malformed': { status: 400, exit: 5, title: 'This is not a capsule.', hint: 'Ask for the file again.' },
  'capsule.bad_trust_file': {
    status: 400,
    exit: 5,
    title: 'This is not a trust file.',
    hint: 'Get it from the owner, not from whoever sent the capsule.',
  },
  'capsule.refused': {
    status: 403,
    exit: 5,
    title: 'The capsule does not verify.',
    hint: 'The failing check is named above.',
  },
});
