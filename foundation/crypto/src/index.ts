export { crypto } from '#backend';
export { CaponierError } from './error.ts';
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
