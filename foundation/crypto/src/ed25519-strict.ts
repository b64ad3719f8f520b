/**
 * What every backend asks of an Ed25519 signature before it looks at the curve equation.
 *
 * Threat: libraries disagree at the edges of RFC 8032 (Chalkias, Garillot, Nikolaenko, "Taming the many EdDSAs", 2020).
 * A small-order key accepts one signature for any message; a second encoding of the same point or scalar is a second
 * signature for the same message; and two verifiers that disagree let a statement be valid here and void there.
 * Measure: S < L, and A and R in canonical encoding and not of small order, checked on the bytes, by this code, for all
 * backends; then the equation without the cofactor, R = [S]B - [k]A compared as bytes (RFC 8032 section 5.1.7 allows
 * it), which is what libsodium and OpenSSL compute and what the web backend adds to noble.
 * What remains: the holder of a key with a torsion component has signatures that are valid for some messages only. All
 * backends agree on which, and nothing takes a signature for an identity.
 */

/** L, the order of the base point, little-endian (RFC 8032 section 5.1). */
const order = Uint8Array.from([
  0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0x10,
]);

/** p = 2^255 - 19, little-endian. */
const field = Uint8Array.from([0xed, ...new Array<number>(30).fill(0xff), 0x7f]);

/** The y coordinates, little-endian, of the eight points of small order: 0, 1, p - 1 and the two of order 8. */
const smallOrderY: readonly Uint8Array[] = [
  new Uint8Array(32),
  Uint8Array.from([1, ...new Array<number>(31).fill(0)]),
  Uint8Array.from([0xec, ...new Array<number>(30).fill(0xff), 0x7f]),
  Uint8Array.from([
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac,
    0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
  ]),
  Uint8Array.from([
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53,
    0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
  ]),
];

/** Whether 32 little-endian bytes at `offset`, with the top bit of the last one masked by `topMask`, are below `bound`. */
function below(bytes: Uint8Array, offset: number, bound: Uint8Array, topMask: number): boolean {
  for (let i = 31; i >= 0; i--) {
    const byte = bytes[offset + i]! & (i === 31 ? topMask : 0xff);
    const limit = bound[i]!;
    if (byte !== limit) return byte < limit;
  }
  return false;
}

function hasY(bytes: Uint8Array, offset: number, y: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) if (bytes[offset + i] !== y[i]) return false;
  return (bytes[offset + 31]! & 0x7f) === y[31];
}

/** A canonical y, and not that of a point of small order; public data, so the time may vary. */
function acceptablePoint(bytes: Uint8Array, offset: number): boolean {
  if (!below(bytes, offset, field, 0x7f)) return false;
  for (const y of smallOrderY) if (hasY(bytes, offset, y)) return false;
  return true;
}

/** The checks on form; the curve equation comes after and is the backend's. */
export function isStrictForm(signature: Uint8Array, publicKey: Uint8Array): boolean {
  return (
    signature.length === 64 &&
    publicKey.length === 32 &&
    below(signature, 32, order, 0xff) &&
    acceptablePoint(publicKey, 0) &&
    acceptablePoint(signature, 0)
  );
}
