import type { Secret } from './secret.ts';

/** A source of random bytes. Always an argument, never ambient, so that a seeded simulation replays exactly. */
export type Random = (length: number) => Uint8Array;

export type HashName = 'SHA256' | 'SHA512' | 'BLAKE2b' | 'BLAKE2s';
export type AeadName = 'ChaChaPoly' | 'AESGCM';

export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Secret;
}

export interface SignatureScheme {
  readonly publicKeyLength: number;
  readonly signatureLength: 64;
  /** From a 32-byte seed, which is kept as the secret key. Throws `crypto.bad_key`, as does `sign`. */
  keyPair(seed: Secret): KeyPair;
  sign(secretKey: Secret, message: Uint8Array): Uint8Array;
  /** Never throws: a malformed key or signature is simply not valid. */
  verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean;
}

export interface KeyAgreement {
  /** From 32 random bytes, which are kept as the secret key. Throws `crypto.bad_key`. */
  keyPair(secret: Secret): KeyPair;
  /** Throws `crypto.bad_key` for a wrong length, and `crypto.weak_point` when the shared secret is all zero (RFC 7748 section 6.1: small-order peer key). */
  sharedSecret(secretKey: Secret, publicKey: Uint8Array): Secret;
}

/** ML-KEM-768 (FIPS 203). Bytes: public key 1184, secret key 64 (the seed), ciphertext 1088, shared secret 32. */
export interface Kem {
  readonly publicKeyLength: 1184;
  readonly ciphertextLength: 1088;
  /** From the 64-byte seed d ‖ z; the secret is kept as that seed. */
  keyPair(seed: Secret): KeyPair;
  /**
   * Deterministic under the 32-byte `coins` where the backend can (web); OpenSSL (node) draws its own.
   * Throws `crypto.bad_key` for a key that fails the modulus check of FIPS 203 section 7.2.
   */
  encapsulate(publicKey: Uint8Array, coins: Uint8Array): { ciphertext: Uint8Array; shared: Secret };
  /** Throws `crypto.bad_ciphertext` on a wrong length; otherwise implicit rejection as in FIPS 203. */
  decapsulate(secretKey: Secret, ciphertext: Uint8Array): Secret;
}

/**
 * An AEAD under one key, prepared once: node:crypto is 2.5 to 4.5 times faster with key objects than with raw bytes. It
 * keeps its own copy, so wiping the secret does not end a channel; dropping the cipher does.
 */
export interface Cipher {
  /** 12-byte nonce; the 16-byte tag is appended. */
  seal(nonce: Uint8Array, plaintext: Uint8Array, additionalData: Uint8Array): Uint8Array;
  /** Throws `crypto.decrypt_failed`, and returns nothing, when the tag does not match. */
  open(nonce: Uint8Array, ciphertext: Uint8Array, additionalData: Uint8Array): Uint8Array;
}

/** Canonical base64url without padding; `decode` gives nothing for any text `encode` would not write. */
export interface Base64url {
  encode(bytes: Uint8Array): string;
  decode(text: string): Uint8Array | undefined;
}

/** argon2id (RFC 9106) cost: memory in KiB, passes, lanes. */
export interface Argon2Cost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
}

/** The primitives, behind one interface. Stateless, and synchronous: a Noise handshake is not a promise chain. */
export interface Crypto {
  readonly backend: 'node' | 'web';
  hash(name: HashName, ...parts: Uint8Array[]): Uint8Array;
  sha256(...parts: Uint8Array[]): Uint8Array;
  hmac(name: HashName, key: Uint8Array, ...parts: Uint8Array[]): Uint8Array;
  /** HKDF (RFC 5869), extract then expand. */
  hkdf(name: HashName, inputKey: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array;
  /** Ed25519, strict: S < L, no small-order or non-canonical A or R, no cofactor; the same verdict on every backend. */
  readonly ed25519: SignatureScheme;
  /** ECDSA P-256 with SHA-256, signatures as r ‖ s; public keys compressed (33 bytes). Malleable: never use a signature as an identity. */
  readonly p256: SignatureScheme;
  readonly x25519: KeyAgreement;
  readonly mlkem768: Kem;
  cipher(name: AeadName, key: Secret): Cipher;
  /** The caller bounds the cost before calling: the memory is allocated at once. `salt` has at least 8 bytes. */
  argon2id(password: Uint8Array, salt: Uint8Array, cost: Argon2Cost, length: number): Secret;
  /** Constant time for equal lengths. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
}
