import { p256 as noble } from '@noble/curves/nist.js';
import { badKey, expectLength } from '../check.ts';
import type { SignatureScheme } from '../types.ts';

/** `lowS: false`: authenticators and OpenSSL make both forms, and neither of our verifiers may be choosier. */
const options = { lowS: false, prehash: true, format: 'compact' } as const;

export const p256: SignatureScheme = {
  publicKeyLength: 33,
  signatureLength: 64,
  keyPair(seed) {
    expectLength(seed, 32, 'P-256 secret key');
    if (!noble.utils.isValidSecretKey(seed.expose())) throw badKey('P-256 secret key is out of range');
    return { publicKey: noble.getPublicKey(seed.expose(), true), secretKey: seed };
  },
  sign(secretKey, message) {
    expectLength(secretKey, 32, 'P-256 secret key');
    if (!noble.utils.isValidSecretKey(secretKey.expose())) throw badKey('P-256 secret key is out of range');
    return noble.sign(message, secretKey.expose(), options);
  },
  verify(signature, message, publicKey) {
    if (signature.length !== 64 || publicKey.length !== 33) return false;
    try {
      return noble.verify(signature, message, publicKey, options);
    } catch {
      return false;
    }
  },
};
