import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { decryptFailed, expectLength } from '../check.ts';
import type { Secret } from '../secret.ts';
import type { Cipher } from '../types.ts';
import type { Sodium } from './sodium.ts';

const tagLength = 16;

export function sodiumChaChaPoly(sodium: Sodium, key: Secret): Cipher {
  expectLength(key, 32, 'cipher key');
  const raw = Uint8Array.from(key.expose());
  return {
    seal(nonce, plaintext, additionalData) {
      expectLength(nonce, 12, 'nonce');
      const sealed = new Uint8Array(plaintext.length + tagLength);
      sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, plaintext, additionalData, null, nonce, raw);
      return sealed;
    },
    open(nonce, ciphertext, additionalData) {
      expectLength(nonce, 12, 'nonce');
      if (ciphertext.length < tagLength) throw decryptFailed();
      const plaintext = new Uint8Array(ciphertext.length - tagLength);
      try {
        sodium.crypto_aead_chacha20poly1305_ietf_decrypt(plaintext, null, ciphertext, additionalData, nonce, raw);
      } catch (cause) {
        throw decryptFailed(cause);
      }
      return plaintext;
    },
  };
}

export function opensslCipher(algorithm: 'chacha20-poly1305' | 'aes-256-gcm', key: Secret): Cipher {
  expectLength(key, 32, 'cipher key');
  const keyObject = createSecretKey(key.expose());
  // The typings overload by literal name; both names have the same call.
  const name = algorithm as 'aes-256-gcm';
  return {
    seal(nonce, plaintext, additionalData) {
      expectLength(nonce, 12, 'nonce');
      const cipher = createCipheriv(name, keyObject, nonce, { authTagLength: tagLength });
      if (additionalData.length > 0) cipher.setAAD(additionalData);
      const sealed = new Uint8Array(plaintext.length + tagLength);
      sealed.set(cipher.update(plaintext));
      cipher.final();
      sealed.set(cipher.getAuthTag(), plaintext.length);
      return sealed;
    },
    open(nonce, ciphertext, additionalData) {
      expectLength(nonce, 12, 'nonce');
      if (ciphertext.length < tagLength) throw decryptFailed();
      const end = ciphertext.length - tagLength;
      const decipher = createDecipheriv(name, keyObject, nonce, { authTagLength: tagLength });
      if (additionalData.length > 0) decipher.setAAD(additionalData);
      decipher.setAuthTag(ciphertext.subarray(end));
      const plaintext = Uint8Array.from(decipher.update(ciphertext.subarray(0, end)));
      try {
        decipher.final();
      } catch (cause) {
        plaintext.fill(0);
        throw decryptFailed(cause);
      }
      return plaintext;
    },
  };
}
