import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { decryptFailed, expectLength } from '../check.ts';
import type { Secret } from '../secret.ts';
import type { AeadName, Cipher } from '../types.ts';

const functions = { ChaChaPoly: chacha20poly1305, AESGCM: gcm } as const;

export function cipher(name: AeadName, key: Secret): Cipher {
  expectLength(key, 32, 'cipher key');
  const make = functions[name];
  const raw = Uint8Array.from(key.expose());
  return {
    seal(nonce, plaintext, additionalData) {
      expectLength(nonce, 12, 'nonce');
      return make(raw, nonce, additionalData).encrypt(plaintext);
    },
    open(nonce, ciphertext, additionalData) {
      expectLength(nonce, 12, 'nonce');
      try {
        return make(raw, nonce, additionalData).decrypt(ciphertext);
      } catch (cause) {
        throw decryptFailed(cause);
      }
    },
  };
}
