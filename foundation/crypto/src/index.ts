/**
 * Cryptographic primitives behind one interface, for Node and browsers.
 *
 * `crypto` is the backend the platform's `#backend` import condition picks: `src/node` (libsodium and OpenSSL) or
 * `src/web` (noble). Both give the same verdict on every input; the tests run both on the same vectors.
 */
export { crypto } from '#backend';
export { concat, fromBase64url, fromHex, fromUtf8, toBase64url, toHex, utf8 } from './bytes.ts';
export { CaponierError } from './error.ts';
export {
  keyFileCost,
  maximumKeyFileCost,
  maximumKeyFileSecret,
  openKeyFile,
  passphraseFromText,
  sealKeyFile,
} from './key-file.ts';
export { entropyFromPhrase, phraseFromEntropy } from './phrase.ts';
export { randomFrom } from './random.ts';
export { Secret } from './secret.ts';
export type {
  AeadName,
  Argon2Cost,
  Cipher,
  Crypto,
  HashName,
  Kem,
  KeyAgreement,
  KeyPair,
  Random,
  SignatureScheme,
} from './types.ts';
