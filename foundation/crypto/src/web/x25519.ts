import { x25519 as noble } from '@noble/curves/ed25519.js';
import { expectLength, weakPoint } from '../check.ts';
import { Secret } from '../secret.ts';
import type { KeyAgreement } from '../types.ts';

export const x25519: KeyAgreement = {
  keyPair(secret) {
    expectLength(secret, 32, 'X25519 secret key');
    return { publicKey: noble.getPublicKey(secret.expose()), secretKey: secret };
  },
  sharedSecret(secretKey, publicKey) {
    expectLength(secretKey, 32, 'X25519 secret key');
    expectLength(publicKey, 32, 'X25519 public key');
    try {
      return Secret.from(noble.getSharedSecret(secretKey.expose(), publicKey));
    } catch (cause) {
      // The lengths were right, so noble refuses one thing only: an all-zero result.
      throw weakPoint(cause);
    }
  },
};
