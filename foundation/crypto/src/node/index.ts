import { timingSafeEqual } from 'node:crypto';
import type { Crypto } from '../types.ts';
import { argon2id } from './argon2id.ts';
import { opensslCipher, sodiumChaChaPoly } from './cipher.ts';
import { opensslEd25519, sodiumEd25519 } from './ed25519.ts';
import { hash, hkdf, hmac } from './hash.ts';
import { mlkem768 } from './mlkem768.ts';
import { p256 } from './p256.ts';
import { loadSodium, type Sodium } from './sodium.ts';
import { opensslX25519, sodiumX25519 } from './x25519.ts';

/** The Node backend over libsodium where it is given, and node:crypto for all the rest. */
export function nodeCrypto(sodium: Sodium | undefined): Crypto {
  return Object.freeze<Crypto>({
    backend: 'node',
    hash,
    sha256: (...parts) => hash('SHA256', ...parts),
    hmac,
    hkdf,
    ed25519: sodium ? sodiumEd25519(sodium) : opensslEd25519(),
    p256,
    x25519: sodium ? sodiumX25519(sodium) : opensslX25519(),
    mlkem768,
    cipher(name, key) {
      if (name === 'AESGCM') return opensslCipher('aes-256-gcm', key);
      return sodium ? sodiumChaChaPoly(sodium, key) : opensslCipher('chacha20-poly1305', key);
    },
    argon2id,
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  });
}

export { base64url } from './base64url.ts';
export { loadSodium };
export const crypto: Crypto = nodeCrypto(loadSodium());
