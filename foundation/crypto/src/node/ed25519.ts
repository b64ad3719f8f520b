import { sign, verify } from 'node:crypto';
import { expectLength } from '../check.ts';
import { isStrictForm } from '../ed25519-strict.ts';
import { Secret } from '../secret.ts';
import type { SignatureScheme } from '../types.ts';
import { importPrivate, importPublic, rawPublic } from './der.ts';
import type { Sodium } from './sodium.ts';
import { plain } from './view.ts';

/** libsodium: twice as fast here as OpenSSL, and takes public keys raw. */
export function sodiumEd25519(sodium: Sodium): SignatureScheme {
  const expand = (seed: Uint8Array) => {
    const publicKey = new Uint8Array(32);
    const expanded = new Uint8Array(64);
    sodium.crypto_sign_seed_keypair(publicKey, expanded, seed);
    return { publicKey, expanded };
  };
  const expanded = Symbol('libsodium secret key: seed and public key');
  return {
    publicKeyLength: 32,
    signatureLength: 64,
    keyPair(seed) {
      expectLength(seed, 32, 'Ed25519 seed');
      return { publicKey: expand(seed.expose()).publicKey, secretKey: seed };
    },
    sign(secretKey, message) {
      expectLength(secretKey, 32, 'Ed25519 secret key');
      const signature = new Uint8Array(64);
      const full = secretKey.prepared(expanded, (seed) => Secret.from(expand(seed).expanded));
      sodium.crypto_sign_detached(signature, message, full.expose());
      return signature;
    },
    verify: (signature, message, publicKey) =>
      isStrictForm(signature, publicKey) && sodium.crypto_sign_verify_detached(signature, message, publicKey),
  };
}

/** OpenSSL, where sodium-native has no binary. It verifies without the cofactor, as libsodium does. */
export function opensslEd25519(): SignatureScheme {
  const keyObject = Symbol('Ed25519 private key object');
  const prepare = (secret: Secret) => secret.prepared(keyObject, (seed) => importPrivate('ed25519Seed', seed));
  return {
    publicKeyLength: 32,
    signatureLength: 64,
    keyPair(seed) {
      expectLength(seed, 32, 'Ed25519 seed');
      return { publicKey: rawPublic(prepare(seed)), secretKey: seed };
    },
    sign(secretKey, message) {
      expectLength(secretKey, 32, 'Ed25519 secret key');
      return plain(sign(null, message, prepare(secretKey)));
    },
    verify: (signature, message, publicKey) =>
      isStrictForm(signature, publicKey) && verify(null, message, importPublic('ed25519Public', publicKey), signature),
  };
}
