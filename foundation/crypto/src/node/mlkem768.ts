import * as openssl from 'node:crypto';
import { badCiphertext, expectLength } from '../check.ts';
import { Secret } from '../secret.ts';
import type { Kem } from '../types.ts';
import { importPrivate, importPublic, rawPublic } from './der.ts';
import { plain } from './view.ts';

const keyObject = Symbol('ML-KEM-768 private key object');

function prepare(secret: Secret) {
  expectLength(secret, 64, 'ML-KEM-768 seed');
  return secret.prepared(keyObject, (seed) => importPrivate('mlkem768Seed', seed));
}

/** OpenSSL checks the modulus of a public key when it is imported, and draws its own coins. */
export const opensslMlkem768: Kem = {
  publicKeyLength: 1184,
  ciphertextLength: 1088,
  keyPair: (seed) => ({ publicKey: rawPublic(prepare(seed)), secretKey: seed }),
  encapsulate(publicKey, coins) {
    expectLength(publicKey, 1184, 'ML-KEM-768 public key');
    expectLength(coins, 32, 'ML-KEM-768 coins');
    const { ciphertext, sharedKey } = openssl.encapsulate(importPublic('mlkem768Public', publicKey));
    return { ciphertext: plain(ciphertext), shared: Secret.from(plain(sharedKey)) };
  },
  decapsulate(secretKey, ciphertext) {
    const key = prepare(secretKey);
    if (ciphertext.length !== 1088) throw badCiphertext(`ML-KEM-768 ciphertext has ${ciphertext.length} bytes`);
    return Secret.from(plain(openssl.decapsulate(key, ciphertext)));
  },
};

/** ML-KEM came with OpenSSL 3.5 and Node 24.8; a Node built against an older OpenSSL does not have it. */
export function hasOpensslMlkem768(): boolean {
  try {
    const { publicKey } = opensslMlkem768.keyPair(Secret.from(new Uint8Array(64)));
    return opensslMlkem768.encapsulate(publicKey, new Uint8Array(32)).ciphertext.length === 1088;
  } catch {
    return false;
  }
}
