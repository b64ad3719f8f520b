import { ed25519 as noble } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isStrictForm } from '../src/ed25519-strict.ts';
import { Secret } from '../src/index.ts';
import { backends } from './backends.ts';

const { Point } = noble;
const order = Point.Fn.ORDER;
const p = Point.Fp.ORDER;

const littleEndian = (value: bigint) =>
  Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n));
const integer = (data: Uint8Array) => data.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
const encodings = (y: bigint) => [littleEndian(y), littleEndian(y | (1n << 255n))];

/** A point of order 8; its multiples are all eight points of small order. */
const torsion = Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
const smallOrderPoints = Array.from({ length: 8 }, (_, i) => torsion.multiplyUnsafe(BigInt(i)));

/** Every 32 bytes that some decoder reads as a point of small order: y and y + p where it fits, and both sign bits. */
const smallOrderEncodings = [...new Set(smallOrderPoints.map((point) => point.toAffine().y))]
  .flatMap((y) => (y + p < 1n << 255n ? [y, y + p] : [y]))
  .flatMap(encodings);

/** The verdict of every backend, which must be the same. */
function verdict(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const verdicts = backends.map(([, crypto]) => crypto.ed25519.verify(signature, message, publicKey));
  expect(new Set(verdicts).size).toBe(1);
  return verdicts[0]!;
}

describe('strict Ed25519, the same on every backend', () => {
  test('the list of small-order encodings is whole', () => {
    expect(smallOrderEncodings.length).toBe(14);
  });

  test('no small-order key with any small-order R verifies, though a lax verifier takes some', () => {
    let laxAccepts = 0;
    const s = new Uint8Array(32);
    for (const publicKey of smallOrderEncodings) {
      for (const r of smallOrderEncodings) {
        for (let i = 0; i < 4; i++) {
          const [signature, message] = [joined(r, s), Uint8Array.of(i)];
          expect(verdict(signature, message, publicKey)).toBe(false);
          if (i === 0 && noble.verify(signature, message, publicKey, { zip215: true })) laxAccepts += 1;
        }
      }
    }
    expect(laxAccepts).toBeGreaterThan(0);
  });

  test('a small-order key with an honest R and S, and a small-order R with an honest key', () => {
    const nonce = 1_234_567n;
    const honestR = Point.BASE.multiply(nonce).toBytes();
    const seed = Secret.from(new Uint8Array(32).fill(5));
    const honest = noble.utils.getExtendedPublicKey(seed.expose());
    let laxAccepts = 0;
    for (const encoding of smallOrderEncodings) {
      for (let i = 0; i < 8; i++) {
        const message = Uint8Array.of(i);
        const underSmallKey = joined(honestR, littleEndian(nonce));
        expect(verdict(underSmallKey, message, encoding)).toBe(false);
        const k = integer(sha512(joined(encoding, honest.pointBytes, message))) % order;
        const smallR = joined(encoding, littleEndian((k * honest.scalar) % order));
        expect(verdict(smallR, message, honest.pointBytes)).toBe(false);
        if (noble.verify(smallR, message, honest.pointBytes, { zip215: true })) laxAccepts += 1;
      }
    }
    expect(laxAccepts).toBeGreaterThan(0);
  });

  test('a torsion component in key or R: valid exactly when the equation holds without the cofactor', () => {
    const [secret, nonce] = [123_456_789n, 987_654_321n];
    let accepted = 0;
    let onlyWithCofactor = 0;
    for (const keyTorsion of smallOrderPoints) {
      for (const rTorsion of smallOrderPoints) {
        const key = Point.BASE.multiply(secret).add(keyTorsion);
        const r = Point.BASE.multiply(nonce).add(rTorsion);
        const [publicKey, rBytes] = [key.toBytes(), r.toBytes()];
        for (let i = 0; i < 2; i++) {
          const message = Uint8Array.of(i);
          const k = integer(sha512(joined(rBytes, publicKey, message))) % order;
          const s = (nonce + k * secret) % order;
          const signature = joined(rBytes, littleEndian(s));
          const holds = Point.BASE.multiply(s).equals(r.add(key.multiplyUnsafe(k)));
          expect(verdict(signature, message, publicKey)).toBe(holds);
          if (holds) accepted += 1;
          else if (noble.verify(signature, message, publicKey, { zip215: false })) onlyWithCofactor += 1;
        }
      }
    }
    expect(accepted).toBeGreaterThan(4);
    expect(onlyWithCofactor).toBeGreaterThan(0);
  });

  test('a second encoding of y is refused, for the key and for R', () => {
    for (let y = p; y < 1n << 255n; y++) {
      for (const encoding of encodings(y)) {
        expect(verdict(joined(encoding, new Uint8Array(32)), Uint8Array.of(1), encoding)).toBe(false);
      }
    }
  });

  test('the form alone: bounds of S and y to the last value, whatever the library beneath would say', () => {
    const good = Point.BASE.multiply(7n).toBytes();
    const form = (a: Uint8Array, r: Uint8Array, s: bigint) => isStrictForm(joined(r, littleEndian(s)), a);
    for (const s of [0n, 1n, order - 1n]) expect(form(good, good, s)).toBe(true);
    for (const s of [order, order + 1n, 1n << 252n, (1n << 255n) - 1n, (1n << 256n) - 1n]) {
      expect(form(good, good, s)).toBe(s < order);
    }
    for (let y = p; y < 1n << 255n; y++) {
      for (const encoding of encodings(y)) {
        expect(form(encoding, good, 1n)).toBe(false);
        expect(form(good, encoding, 1n)).toBe(false);
      }
    }
    for (const encoding of encodings(p - 2n)) expect(form(encoding, encoding, 1n)).toBe(true);
    for (const encoding of smallOrderEncodings) {
      expect(form(encoding, good, 1n)).toBe(false);
      expect(form(good, encoding, 1n)).toBe(false);
    }
  });

  test('S + L is refused, and so is every length but the right one', () => {
    const seed = Secret.from(new Uint8Array(32).fill(7));
    const message = Uint8Array.of(1, 2, 3);
    const [[, first]] = backends as [(typeof backends)[number]];
    const { publicKey } = first.ed25519.keyPair(seed);
    const signature = first.ed25519.sign(seed, message);
    expect(verdict(signature, message, publicKey)).toBe(true);
    for (const multiple of [1n, 2n, 7n, 15n]) {
      const s = integer(signature.subarray(32)) + multiple * order;
      if (s < 1n << 256n) {
        expect(verdict(joined(signature.subarray(0, 32), littleEndian(s)), message, publicKey)).toBe(false);
      }
    }
    for (const length of [0, 1, 31, 32, 63, 65, 128]) {
      expect(verdict(new Uint8Array(length), message, publicKey)).toBe(false);
      expect(verdict(signature, message, new Uint8Array(length === 32 ? 33 : length))).toBe(false);
    }
  });

  test('signatures are the same bytes everywhere; any changed bit is refused everywhere', () => {
    const data = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(
        data(32),
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(64 * 8 - 1),
        fc.nat(255),
        (seed, message, bit, at) => {
          const pairs = backends.map(([, crypto]) => crypto.ed25519.keyPair(Secret.from(seed)));
          const signatures = backends.map(([, crypto], i) => crypto.ed25519.sign(pairs[i]!.secretKey, message));
          const [{ publicKey }] = pairs as [(typeof pairs)[number]];
          const [signature] = signatures as [Uint8Array];
          for (const pair of pairs) expect(pair.publicKey).toEqual(publicKey);
          for (const other of signatures) expect(other).toEqual(signature);
          expect(verdict(signature, message, publicKey)).toBe(true);
          const flip = (original: Uint8Array, index: number) => {
            const changed = Uint8Array.from(original);
            changed[index >> 3]! ^= 1 << (index & 7);
            return changed;
          };
          expect(verdict(flip(signature, bit), message, publicKey)).toBe(false);
          expect(verdict(signature, message, flip(publicKey, at))).toBe(false);
          if (message.length > 0)
            expect(verdict(signature, flip(message, at % (message.length * 8)), publicKey)).toBe(false);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('bytes of any kind get one verdict, and verifying never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 40 }), (signature, publicKey) => {
        expect(verdict(signature, Uint8Array.of(9), publicKey)).toBe(false);
      }),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 64, maxLength: 64 }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (signature, publicKey) => {
          signature[63]! &= 0x0f;
          expect(verdict(signature, Uint8Array.of(9), publicKey)).toBe(false);
        },
      ),
      { numRuns: 100 },
    );
  });
});
