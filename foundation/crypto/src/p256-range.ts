import { badKey, expectLength } from './check.ts';
import type { Secret } from './secret.ts';

/** n, the order of P-256, big-endian (SEC 2 section 2.4.2). */
const order = Uint8Array.from([
  0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
  0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
]);

/**
 * 0 < scalar < n, or `crypto.bad_key`. OpenSSL takes scalars out of this range without a word, and two secrets for one
 * public key would be two files for one approver. In constant time: a subtraction whose last borrow is the answer.
 */
export function expectP256Scalar(secret: Secret): void {
  expectLength(secret, 32, 'P-256 secret key');
  const scalar = secret.expose();
  let borrow = 0;
  let any = 0;
  for (let i = 31; i >= 0; i--) {
    borrow = (scalar[i]! - order[i]! - borrow) >>> 31;
    any |= scalar[i]!;
  }
  if (borrow === 0 || any === 0) throw badKey('P-256 secret key is out of range');
}
