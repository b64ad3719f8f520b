import { ed25519 as noble } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { expectLength } from '../check.ts';
import { isStrictForm } from '../ed25519-strict.ts';
import type { SignatureScheme } from '../types.ts';
import { equal } from './equal.ts';

const { Point } = noble;

/** Little-endian bytes as an integer modulo the order of the base point. */
function scalar(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
  return Point.Fn.create(value);
}

/**
 * R = [S]B - [k]A as bytes. noble multiplies the equation by the cofactor even with `zip215: false`; without this line
 * the browser would accept signatures under keys with a torsion component that the other backends refuse.
 */
function holdsWithoutCofactor(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const r = signature.subarray(0, 32);
  const k = scalar(sha512.create().update(r).update(publicKey).update(message).digest());
  const s = scalar(signature.subarray(32));
  const a = Point.fromBytes(publicKey);
  return equal(Point.BASE.multiplyUnsafe(s).subtract(a.multiplyUnsafe(k)).toBytes(), r);
}

export const ed25519: SignatureScheme = {
  publicKeyLength: 32,
  signatureLength: 64,
  keyPair(seed) {
    expectLength(seed, 32, 'Ed25519 seed');
    return { publicKey: noble.getPublicKey(seed.expose()), secretKey: seed };
  },
  sign(secretKey, message) {
    expectLength(secretKey, 32, 'Ed25519 secret key');
    return noble.sign(message, secretKey.expose());
  },
  verify: (signature, message, publicKey) =>
    isStrictForm(signature, publicKey) &&
    noble.verify(signature, message, publicKey, { zip215: false }) &&
    holdsWithoutCofactor(signature, message, publicKey),
};
