import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AeadName, type Crypto, type HashName, Secret } from '../src/index.ts';
import { detectNodeParts, nodeCrypto } from '../src/node/index.ts';
import { backends, bytes, expectCode } from './backends.ts';

const data = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const some = fc.uint8Array({ maxLength: 300 });
const runs = { numRuns: 25 };
const hashes: HashName[] = ['SHA256', 'SHA512', 'BLAKE2b', 'BLAKE2s'];
const ciphers: AeadName[] = ['ChaChaPoly', 'AESGCM'];

/** Asserts that every backend answers the same, and gives the answer. */
function agree<T>(ask: (crypto: Crypto) => T): T {
  const [first, ...others] = backends.map(([, crypto]) => ask(crypto));
  for (const other of others) expect(other).toEqual(first);
  return first!;
}

describe('all backends agree', () => {
  test('hashes, HMAC and HKDF, in any number of parts', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...hashes),
        some,
        some,
        some,
        fc.integer({ min: 1, max: 200 }),
        (name, a, b, c, length) => {
          const whole = agree((crypto) => crypto.hash(name, Uint8Array.from([...a, ...b, ...c])));
          expect(agree((crypto) => crypto.hash(name, a, b, c))).toEqual(whole);
          expect(agree((crypto) => crypto.hmac(name, a, b, c))).toEqual(
            agree((crypto) => crypto.hmac(name, a, Uint8Array.from([...b, ...c]))),
          );
          expect(agree((crypto) => crypto.hkdf(name, a, b, c, length)).length).toBe(length);
          agree((crypto) => crypto.sha256(a, b));
        },
      ),
      runs,
    );
    agree((crypto) => crypto.sha256());
  });

  test('X25519: both ends get one secret', () => {
    fc.assert(
      fc.property(data(32), data(32), (a, b) => {
        const alice = agree((crypto) => crypto.x25519.keyPair(Secret.from(a)).publicKey);
        const bob = agree((crypto) => crypto.x25519.keyPair(Secret.from(b)).publicKey);
        const shared = agree((crypto) => crypto.x25519.sharedSecret(Secret.from(a), bob).expose());
        expect(agree((crypto) => crypto.x25519.sharedSecret(Secret.from(b), alice).expose())).toEqual(shared);
      }),
      runs,
    );
  });

  test('AEADs: what one seals every other opens; any change is refused', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ciphers),
        data(32),
        data(12),
        some,
        some,
        fc.nat(),
        (name, key, nonce, plaintext, extra, at) => {
          const sealed = agree((crypto) => crypto.cipher(name, Secret.from(key)).seal(nonce, plaintext, extra));
          expect(sealed.length).toBe(plaintext.length + 16);
          expect(agree((crypto) => crypto.cipher(name, Secret.from(key)).open(nonce, sealed, extra))).toEqual(
            plaintext,
          );
          const altered = Uint8Array.from(sealed);
          altered[at % sealed.length]! ^= 1;
          for (const [, crypto] of backends) {
            const cipher = crypto.cipher(name, Secret.from(key));
            expectCode('crypto.decrypt_failed', () => cipher.open(nonce, altered, extra));
            expectCode('crypto.decrypt_failed', () => cipher.open(nonce, sealed, Uint8Array.from([...extra, 0])));
            expectCode('crypto.decrypt_failed', () =>
              cipher.open(nonce, sealed.subarray(0, at % sealed.length), extra),
            );
          }
        },
      ),
      runs,
    );
  });

  test('ML-KEM-768: pairs, secrets and implicit rejection', () => {
    fc.assert(
      fc.property(data(64), data(32), data(1088), (seed, coins, noise) => {
        const publicKey = agree((crypto) => crypto.mlkem768.keyPair(Secret.from(seed)).publicKey);
        for (const [, crypto] of backends) {
          const { ciphertext, shared } = crypto.mlkem768.encapsulate(publicKey, coins);
          expect(agree((other) => other.mlkem768.decapsulate(Secret.from(seed), ciphertext).expose())).toEqual(
            shared.expose(),
          );
        }
        agree((crypto) => crypto.mlkem768.decapsulate(Secret.from(seed), noise).expose());
      }),
      { numRuns: 8 },
    );
  });

  test('P-256: what one signs every other verifies, in both forms of s', () => {
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const big = (part: Uint8Array) => BigInt(`0x${Buffer.from(part).toString('hex')}`);
    fc.assert(
      fc.property(data(32), some, (seed, message) => {
        fc.pre(seed.some((byte) => byte !== 0) && seed[0] !== 0xff);
        const publicKey = agree((crypto) => crypto.p256.keyPair(Secret.from(seed)).publicKey);
        for (const [, crypto] of backends) {
          const signature = crypto.p256.sign(Secret.from(seed), message);
          const s = order - big(signature.subarray(32));
          const mirrored = bytes(
            Buffer.from(signature.subarray(0, 32)).toString('hex') + s.toString(16).padStart(64, '0'),
          );
          expect(agree((other) => other.p256.verify(signature, message, publicKey))).toBe(true);
          expect(agree((other) => other.p256.verify(mirrored, message, publicKey))).toBe(true);
          const longer = Uint8Array.from([...message, 0]);
          expect(agree((other) => other.p256.verify(signature, longer, publicKey))).toBe(false);
        }
      }),
      { numRuns: 10 },
    );
  });

  test('argon2id', () => {
    fc.assert(
      fc.property(
        some,
        data(16),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 4, max: 64 }),
        (password, salt, lanes, length) => {
          const cost = { memoryKib: 64, passes: 1, lanes };
          const tag = agree((crypto) => crypto.argon2id(password, salt, cost, length).expose());
          expect(tag.length).toBe(length);
        },
      ),
      runs,
    );
  });
});

describe.each(backends)('bad input: %s', (name, crypto) => {
  test('an all-zero X25519 secret is refused, for every peer key of small order', () => {
    const smallOrder = [
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
      '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ].map(bytes);
    for (const point of smallOrder) {
      for (const topBit of [0, 0x80]) {
        const peer = Uint8Array.from(point);
        peer[31]! |= topBit;
        expectCode('crypto.weak_point', () =>
          crypto.x25519.sharedSecret(Secret.from(new Uint8Array(32).fill(3)), peer),
        );
      }
    }
  });

  test('keys, seeds and nonces of a wrong length', () => {
    const good = Secret.from(new Uint8Array(32).fill(1));
    const none = new Uint8Array(0);
    for (const length of [0, 16, 31, 33, 63, 65]) {
      const wrong = Secret.from(new Uint8Array(length));
      for (const scheme of [crypto.ed25519, crypto.p256]) {
        expectCode('crypto.bad_key', () => scheme.keyPair(wrong));
        expectCode('crypto.bad_key', () => scheme.sign(wrong, none));
      }
      expectCode('crypto.bad_key', () => crypto.x25519.keyPair(wrong));
      expectCode('crypto.bad_key', () => crypto.x25519.sharedSecret(wrong, new Uint8Array(32)));
      expectCode('crypto.bad_key', () => crypto.x25519.sharedSecret(good, new Uint8Array(length)));
      expectCode('crypto.bad_key', () => crypto.mlkem768.keyPair(wrong));
      expectCode('crypto.bad_key', () => crypto.mlkem768.encapsulate(new Uint8Array(length), new Uint8Array(32)));
      expectCode('crypto.bad_key', () => crypto.mlkem768.decapsulate(wrong, new Uint8Array(1088)));
      for (const cipher of ciphers) {
        expectCode('crypto.bad_key', () => crypto.cipher(cipher, wrong));
        expectCode('crypto.bad_key', () => crypto.cipher(cipher, good).seal(new Uint8Array(length), none, none));
        expectCode('crypto.bad_key', () => crypto.cipher(cipher, good).open(new Uint8Array(length), none, none));
      }
    }
  });

  test('P-256 secrets out of range, and keys that are no points', () => {
    const order = bytes('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
    const last = Uint8Array.from(order);
    last[31]! -= 1;
    expect(crypto.p256.keyPair(Secret.from(last)).publicKey.length).toBe(33);
    for (const scalar of [new Uint8Array(32), order, new Uint8Array(32).fill(0xff)]) {
      expectCode('crypto.bad_key', () => crypto.p256.keyPair(Secret.from(scalar)));
      expectCode('crypto.bad_key', () => crypto.p256.sign(Secret.from(scalar), Uint8Array.of(1)));
    }
    const { publicKey, secretKey } = crypto.p256.keyPair(Secret.from(new Uint8Array(32).fill(1)));
    const message = Uint8Array.of(1);
    const signature = crypto.p256.sign(secretKey, message);
    expect(crypto.p256.verify(signature, message, publicKey)).toBe(true);
    for (const prefix of [0, 1, 4, 5, 6, 7, 0xff]) {
      const key = Uint8Array.from(publicKey);
      key[0] = prefix;
      expect(crypto.p256.verify(signature, message, key)).toBe(false);
    }
    for (const [r, s] of [
      [new Uint8Array(32), signature.subarray(32)],
      [signature.subarray(0, 32), new Uint8Array(32)],
      [order, signature.subarray(32)],
      [signature.subarray(0, 32), order],
    ] as const) {
      expect(crypto.p256.verify(Uint8Array.from([...r, ...s]), message, publicKey)).toBe(false);
    }
    for (const length of [0, 1, 63, 65])
      expect(crypto.p256.verify(new Uint8Array(length), message, publicKey)).toBe(false);
    expect(crypto.p256.verify(signature, message, new Uint8Array(33).fill(0xff))).toBe(false);
  });

  test('an ML-KEM key that fails the modulus check', () => {
    const { publicKey } = crypto.mlkem768.keyPair(Secret.from(new Uint8Array(64).fill(1)));
    const coins = new Uint8Array(32);
    for (const at of [0, 3, 600, 1149]) {
      const key = Uint8Array.from(publicKey);
      // A coefficient of 0xfff, above q = 3329.
      key[at] = 0xff;
      key[at + 1] = 0xff;
      expectCode('crypto.bad_key', () => crypto.mlkem768.encapsulate(key, coins));
    }
    expectCode('crypto.bad_ciphertext', () =>
      crypto.mlkem768.decapsulate(Secret.from(new Uint8Array(64).fill(1)), new Uint8Array(1087)),
    );
  });

  test('comparison', () => {
    expect(crypto.equal(new Uint8Array(0), new Uint8Array(0))).toBe(true);
    expect(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(crypto.equal(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 0))).toBe(false);
  });

  test('what comes out is a plain Uint8Array', () => {
    const seed = Secret.from(new Uint8Array(32).fill(1));
    const message = Uint8Array.of(1);
    const pair = crypto.mlkem768.keyPair(Secret.from(new Uint8Array(64)));
    const { ciphertext, shared } = crypto.mlkem768.encapsulate(pair.publicKey, seed.expose());
    const cipher = crypto.cipher('AESGCM', seed);
    const sealed = cipher.seal(new Uint8Array(12), message, message);
    const outputs = [
      crypto.sha256(message),
      crypto.hash('BLAKE2b', message, message),
      crypto.hmac('SHA256', message, message),
      crypto.hkdf('SHA256', message, message, message, 10),
      crypto.ed25519.keyPair(seed).publicKey,
      crypto.ed25519.sign(seed, message),
      crypto.p256.keyPair(seed).publicKey,
      crypto.p256.sign(seed, message),
      crypto.x25519.keyPair(seed).publicKey,
      crypto.x25519.sharedSecret(seed, crypto.x25519.keyPair(seed).publicKey).expose(),
      pair.publicKey,
      ciphertext,
      shared.expose(),
      crypto.mlkem768.decapsulate(pair.secretKey, ciphertext).expose(),
      sealed,
      cipher.open(new Uint8Array(12), sealed, message),
      crypto.argon2id(message, new Uint8Array(8), { memoryKib: 8, passes: 1, lanes: 1 }, 16).expose(),
    ];
    for (const output of outputs) expect(Object.getPrototypeOf(output)).toBe(Uint8Array.prototype);
    expect(name.startsWith(crypto.backend)).toBe(true);
  });
});

test('a Node whose OpenSSL lacks ML-KEM and argon2 gets them from noble, with the same answers', () => {
  const full = nodeCrypto(detectNodeParts());
  const old = nodeCrypto({ sodium: undefined, mlkem768: false, argon2id: false });
  const seed = Secret.from(new Uint8Array(64).fill(4));
  const { publicKey } = old.mlkem768.keyPair(seed);
  expect(publicKey).toEqual(full.mlkem768.keyPair(seed).publicKey);
  const { ciphertext, shared } = old.mlkem768.encapsulate(publicKey, new Uint8Array(32));
  expect(full.mlkem768.decapsulate(seed, ciphertext).expose()).toEqual(shared.expose());
  const cost = { memoryKib: 32, passes: 1, lanes: 1 };
  const derive = (crypto: Crypto) => crypto.argon2id(seed.expose(), new Uint8Array(16), cost, 32).expose();
  expect(derive(old)).toEqual(derive(full));
  expect(detectNodeParts()).toMatchObject({ mlkem768: true, argon2id: true });
});
