import { p256 as noble } from '@noble/curves/nist.js';
import { expectP256Scalar } from '../p256-range.ts';
import type { SignatureScheme } from '../types.ts';

/** `lowS: false`: authenticators and OpenSSL make both forms, and neither of our verifiers may be choosier. */
const options = { lowS: false, prehash: true, format: 'compact' } as const;

export const p256: SignatureScheme = {
  publicKeyLength: 33,
  signatureLength: 64,
  keyPair(seed) {
    expectP256Scalar(seed);
    return { publicKey: noble.getPublicKey(seed.expose(), true), secretKey: seed };
  },
  sign(secretKey, message) {
    expectP256Scalar(secretKey);
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
