import * as openssl from 'node:crypto';
import { argon2id as nobleArgon2id } from '@noble/hashes/argon2.js';
import { describe, expect, test } from 'vitest';
import { type HashName, Secret } from '../src/index.ts';
import { backends, bytes, hex, text, vectors } from './backends.ts';

const secret = (value: string) => Secret.from(bytes(value));

interface X25519Vectors {
  x25519: { section: string; scalar: string; u: string; out: string }[];
  publicKeys: { scalar: string; publicKey: string }[];
  iterated: { times: number; out: string }[];
}
interface Ed25519Vectors {
  ed25519: { name: string; seed: string; publicKey: string; message: string; signature: string }[];
}
interface AeadVectors {
  chacha20poly1305: { key: string; nonce: string; additionalData: string; plaintext: string; sealed: string }[];
}
interface HkdfVectors {
  hkdfSha256: { name: string; inputKey: string; salt: string; info: string; length: number; output: string }[];
}
interface Argon2Vector {
  memoryKib: number;
  passes: number;
  lanes: number;
  password: string;
  salt: string;
  tag: string;
}
interface Argon2Vectors {
  withSecret: Argon2Vector & { secret: string; associatedData: string };
  argon2id: Argon2Vector[];
}
interface P256Vectors {
  p256: { message: string; secretKey: string; publicKey: string; signature: string }[];
}

describe.each(backends)('published vectors: %s', (_, crypto) => {
  test('X25519, RFC 7748', () => {
    const { x25519, publicKeys, iterated } = vectors<X25519Vectors>('rfc7748');
    for (const { scalar, u, out } of x25519) {
      expect(hex(crypto.x25519.sharedSecret(secret(scalar), bytes(u)).expose())).toBe(out);
    }
    for (const { scalar, publicKey } of publicKeys) {
      expect(hex(crypto.x25519.keyPair(secret(scalar)).publicKey)).toBe(publicKey);
    }
    // A thousand rounds take noble seconds; the first is the same check.
    const rounds = crypto.backend === 'web' ? 1 : 1000;
    let k = Uint8Array.from([9, ...new Array<number>(31).fill(0)]);
    let u = k;
    for (let round = 1; round <= rounds; round++) {
      const next = Uint8Array.from(crypto.x25519.sharedSecret(Secret.from(k), u).expose());
      u = k;
      k = next;
      const expected = iterated.find(({ times }) => times === round);
      if (expected) expect(hex(k)).toBe(expected.out);
    }
  });

  test('Ed25519, RFC 8032', () => {
    for (const { seed, publicKey, message, signature } of vectors<Ed25519Vectors>('rfc8032').ed25519) {
      const pair = crypto.ed25519.keyPair(secret(seed));
      expect(hex(pair.publicKey)).toBe(publicKey);
      expect(hex(crypto.ed25519.sign(pair.secretKey, bytes(message)))).toBe(signature);
      expect(crypto.ed25519.verify(bytes(signature), bytes(message), bytes(publicKey))).toBe(true);
    }
  });

  test('ECDSA P-256, RFC 6979', () => {
    for (const { message, secretKey, publicKey, signature } of vectors<P256Vectors>('rfc6979').p256) {
      expect(hex(crypto.p256.keyPair(secret(secretKey)).publicKey)).toBe(publicKey);
      expect(crypto.p256.verify(bytes(signature), text(message), bytes(publicKey))).toBe(true);
      expect(crypto.p256.verify(bytes(signature), text(`${message}.`), bytes(publicKey))).toBe(false);
    }
  });

  test('ChaCha20-Poly1305, RFC 8439', () => {
    for (const vector of vectors<AeadVectors>('rfc8439').chacha20poly1305) {
      const cipher = crypto.cipher('ChaChaPoly', secret(vector.key));
      const [nonce, additional] = [bytes(vector.nonce), bytes(vector.additionalData)];
      expect(hex(cipher.seal(nonce, bytes(vector.plaintext), additional))).toBe(vector.sealed);
      expect(hex(cipher.open(nonce, bytes(vector.sealed), additional))).toBe(vector.plaintext);
    }
  });

  test('HKDF-SHA256, RFC 5869', () => {
    for (const vector of vectors<HkdfVectors>('rfc5869').hkdfSha256) {
      const output = crypto.hkdf(
        'SHA256',
        bytes(vector.inputKey),
        bytes(vector.salt),
        bytes(vector.info),
        vector.length,
      );
      expect(hex(output)).toBe(vector.output);
    }
  });

  test('hashes, RFC 7693 and FIPS 180-4', () => {
    const { message, digests } = vectors<{ message: string; digests: Record<HashName, string> }>('rfc7693');
    for (const [name, digest] of Object.entries(digests)) {
      expect(hex(crypto.hash(name as HashName, text(message)))).toBe(digest);
      expect(hex(crypto.hash(name as HashName, ...[...message].map(text)))).toBe(digest);
    }
    expect(hex(crypto.sha256(text(message)))).toBe(digests.SHA256);
  });

  test('HMAC, RFC 4231', () => {
    const { key, message, tags } = vectors<{ key: string; message: string; tags: Record<string, string> }>('rfc4231');
    for (const [name, tag] of Object.entries(tags)) {
      expect(hex(crypto.hmac(name as HashName, text(key), text(message)))).toBe(tag);
    }
  });

  test('argon2id, the reference implementation', () => {
    for (const { password, salt, tag, ...cost } of vectors<Argon2Vectors>('rfc9106').argon2id) {
      if (crypto.backend === 'web' && cost.memoryKib > 1024) continue;
      expect(hex(crypto.argon2id(text(password), text(salt), cost, 32).expose())).toBe(tag);
    }
  });
});

test('argon2id with secret and associated data, RFC 9106: the libraries beneath', () => {
  const vector = vectors<Argon2Vectors>('rfc9106').withSecret;
  const [password, salt] = [bytes(vector.password), bytes(vector.salt)];
  const [key, personalization] = [bytes(vector.secret), bytes(vector.associatedData)];
  const { memoryKib: m, passes: t, lanes: p } = vector;
  expect(hex(nobleArgon2id(password, salt, { m, t, p, dkLen: 32, key, personalization }))).toBe(vector.tag);
  const common = { message: password, nonce: salt, memory: m, passes: t, parallelism: p, tagLength: 32 };
  const tag = openssl.argon2Sync('argon2id', { ...common, secret: key, associatedData: personalization });
  expect(hex(tag)).toBe(vector.tag);
});
