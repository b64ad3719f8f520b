import { timingSafeEqual } from 'node:crypto';
import type { Crypto } from '../types.ts';
import { argon2id as nobleArgon2id } from '../web/argon2id.ts';
import { mlkem768 as nobleMlkem768 } from '../web/mlkem768.ts';
import { hasOpensslArgon2id, opensslArgon2id } from './argon2id.ts';
import { opensslCipher, sodiumChaChaPoly } from './cipher.ts';
import { opensslEd25519, sodiumEd25519 } from './ed25519.ts';
import { hash, hkdf, hmac, sha256 } from './hash.ts';
import { hasOpensslMlkem768, opensslMlkem768 } from './mlkem768.ts';
import { p256 } from './p256.ts';
import { loadSodium, type Sodium } from './sodium.ts';
import { opensslX25519, sodiumX25519 } from './x25519.ts';

/** What this Node has beyond the OpenSSL of every Node 24. */
export interface NodeParts {
  readonly sodium: Sodium | undefined;
  readonly mlkem768: boolean;
  readonly argon2id: boolean;
}

/** Looks at what is there, once, when the module is loaded. */
export function detectNodeParts(): NodeParts {
  return { sodium: loadSodium(), mlkem768: hasOpensslMlkem768(), argon2id: hasOpensslArgon2id() };
}

/** The Node backend: libsodium where it is faster, node:crypto for the rest, noble for what this Node's OpenSSL lacks. */
export function nodeCrypto({ sodium, ...openssl }: NodeParts): Crypto {
  return Object.freeze<Crypto>({
    backend: 'node',
    hash,
    sha256,
    hmac,
    hkdf,
    ed25519: sodium ? sodiumEd25519(sodium) : opensslEd25519(),
    p256,
    x25519: sodium ? sodiumX25519(sodium) : opensslX25519(),
    mlkem768: openssl.mlkem768 ? opensslMlkem768 : nobleMlkem768,
    cipher(name, key) {
      if (name === 'AESGCM') return opensslCipher('aes-256-gcm', key);
      return sodium ? sodiumChaChaPoly(sodium, key) : opensslCipher('chacha20-poly1305', key);
    },
    argon2id: openssl.argon2id ? opensslArgon2id : nobleArgon2id,
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
  });
}

export const crypto: Crypto = nodeCrypto(detectNodeParts());
export { base64url } from './base64url.ts';
export { loadSodium, type Sodium };
