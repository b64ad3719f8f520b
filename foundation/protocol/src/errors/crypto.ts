import { defineErrors } from './define.ts';

/** Codes of the primitives. */
export const cryptoErrors = defineErrors({
  'crypto.weak_point': {
    status: 400,
    exit: 5,
    title: 'The key of the other side is unusable.',
    hint: 'The other side must make a new key; treat this as an attack if it repeats.',
  },
  'crypto.bad_key': {
    status: 400,
    exit: 5,
    title: 'A key is malformed.',
    hint: 'Check that the key was copied whole.',
  },
  'crypto.bad_ciphertext': {
    status: 400,
    exit: 5,
    title: 'A ciphertext has the wrong length.',
    hint: 'Ask the other side to send it again.',
  },
  'crypto.decrypt_failed': {
    status: 400,
    exit: 5,
    title: 'Decryption failed.',
    hint: 'Wrong key or altered bytes: check the passphrase, or ask for the message again.',
  },
  'crypto.bad_encoding': {
    status: 400,
    exit: 5,
    title: 'Bytes are not written in their one form.',
    hint: 'Check that the text was copied whole.',
  },
  'crypto.bad_phrase': {
    status: 400,
    exit: 2,
    title: 'The recovery phrase is not valid.',
    hint: 'Check the spelling and order of the 24 words.',
  },
  'crypto.bad_key_file': {
    status: 400,
    exit: 1,
    title: 'The key file is damaged or not a key file.',
    hint: 'Restore it from a backup.',
  },
});
