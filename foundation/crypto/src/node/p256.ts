import { type KeyObject, sign, verify } from 'node:crypto';
import { expectP256Scalar } from '../p256-range.ts';
import type { Secret } from '../secret.ts';
import type { SignatureScheme } from '../types.ts';
import { importPrivate, importPublic, rawPublic } from './der.ts';
import { plain } from './view.ts';

const keyObject = Symbol('P-256 private key object');

function prepare(secret: Secret): KeyObject {
  expectP256Scalar(secret);
  return secret.prepared(keyObject, (scalar) => importPrivate('p256Scalar', scalar));
}

export const p256: SignatureScheme = {
  publicKeyLength: 33,
  signatureLength: 64,
  keyPair: (seed) => ({ publicKey: rawPublic(prepare(seed)), secretKey: seed }),
  sign: (secretKey, message) => plain(sign('sha256', message, { key: prepare(secretKey), dsaEncoding: 'ieee-p1363' })),
  verify(signature, message, publicKey) {
    if (signature.length !== 64 || publicKey.length !== 33) return false;
    try {
      const key = importPublic('p256Public', publicKey);
      return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
    } catch {
      return false;
    }
  },
};
