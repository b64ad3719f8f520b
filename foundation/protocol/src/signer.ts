import { crypto, type Secret } from '@caponier/crypto';
import { type Did, encodeDid } from './did.ts';

/** Whoever can sign under a name: a key file, a PKCS#11 token, memory. The key itself is never asked for. */
export interface Signer {
  readonly did: Did;
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** An Ed25519 signer in memory, from a 32-byte seed. */
export function seedSigner(seed: Secret): Signer {
  const pair = crypto.ed25519.keyPair(seed);
  return {
    did: encodeDid('ed25519', pair.publicKey),
    sign: (message) => crypto.ed25519.sign(pair.secretKey, message),
  };
}
