import { diffieHellman } from 'node:crypto';
import { expectLength, weakPoint } from '../check.ts';
import { Secret } from '../secret.ts';
import type { KeyAgreement } from '../types.ts';
import { importPrivate, importPublic, rawPublic } from './der.ts';
import type { Sodium } from './sodium.ts';
import { plain } from './view.ts';

/** libsodium takes raw keys, which spares two imports; it refuses an all-zero result itself. */
export function sodiumX25519(sodium: Sodium): KeyAgreement {
  return {
    keyPair(secret) {
      expectLength(secret, 32, 'X25519 secret key');
      const publicKey = new Uint8Array(32);
      sodium.crypto_scalarmult_base(publicKey, secret.expose());
      return { publicKey, secretKey: secret };
    },
    sharedSecret(secretKey, publicKey) {
      expectLength(secretKey, 32, 'X25519 secret key');
      expectLength(publicKey, 32, 'X25519 public key');
      const shared = new Uint8Array(32);
      try {
        sodium.crypto_scalarmult(shared, secretKey.expose(), publicKey);
      } catch (cause) {
        throw weakPoint(cause);
      }
      return Secret.from(shared);
    },
  };
}

/** OpenSSL; its derivation fails on an all-zero result. */
export function opensslX25519(): KeyAgreement {
  const keyObject = Symbol('X25519 private key object');
  const prepare = (secret: Secret) => {
    expectLength(secret, 32, 'X25519 secret key');
    return secret.prepared(keyObject, (scalar) => importPrivate('x25519Scalar', scalar));
  };
  return {
    keyPair: (secret) => ({ publicKey: rawPublic(prepare(secret)), secretKey: secret }),
    sharedSecret(secretKey, publicKey) {
      const privateKey = prepare(secretKey);
      expectLength(publicKey, 32, 'X25519 public key');
      const peer = importPublic('x25519Public', publicKey);
      try {
        return Secret.from(plain(diffieHellman({ privateKey, publicKey: peer })));
      } catch (cause) {
        throw weakPoint(cause);
      }
    },
  };
}
