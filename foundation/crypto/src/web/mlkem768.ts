import { ml_kem768 as noble } from '@noble/post-quantum/ml-kem.js';
import { badCiphertext, badKey, expectLength } from '../check.ts';
import { Secret } from '../secret.ts';
import type { Kem } from '../types.ts';

const expanded = Symbol('expanded ML-KEM-768 secret key');

export const mlkem768: Kem = {
  publicKeyLength: 1184,
  ciphertextLength: 1088,
  keyPair(seed) {
    expectLength(seed, 64, 'ML-KEM-768 seed');
    const { publicKey, secretKey } = noble.keygen(seed.expose());
    seed.prepared(expanded, () => Secret.from(secretKey));
    return { publicKey, secretKey: seed };
  },
  encapsulate(publicKey, coins) {
    expectLength(publicKey, 1184, 'ML-KEM-768 public key');
    expectLength(coins, 32, 'ML-KEM-768 coins');
    try {
      const { cipherText, sharedSecret } = noble.encapsulate(publicKey, coins);
      return { ciphertext: cipherText, shared: Secret.from(sharedSecret) };
    } catch (cause) {
      throw badKey('ML-KEM-768 public key fails the modulus check', cause);
    }
  },
  decapsulate(secretKey, ciphertext) {
    expectLength(secretKey, 64, 'ML-KEM-768 seed');
    if (ciphertext.length !== 1088) throw badCiphertext(`ML-KEM-768 ciphertext has ${ciphertext.length} bytes`);
    const full = secretKey.prepared(expanded, (seed) => Secret.from(noble.keygen(seed).secretKey));
    return Secret.from(noble.decapsulate(ciphertext, full.expose()));
  },
};
