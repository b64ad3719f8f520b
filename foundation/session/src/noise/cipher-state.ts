import { type AeadName, type Cipher, type Crypto, Secret } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { empty } from '../bytes.ts';

/** 2^64 − 1 is reserved for `rekey` (section 5.1). */
const maxNonce = 0xffff_ffff_ffff_ffffn;
const zeros = new Uint8Array(32);

/** Section 12: 32 zero bits, then the counter; little-endian for ChaChaPoly, big-endian for AESGCM. */
function nonceBytes(name: AeadName, n: bigint): Uint8Array {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, n, name === 'ChaChaPoly');
  return nonce;
}

/** Section 5.1 with a key; the keyless state lives in `SymmetricState`, so a transport cipher can never be without one. */
export class CipherState {
  readonly #crypto: Crypto;
  readonly #name: AeadName;
  #key: Secret;
  #cipher: Cipher;
  #n: bigint;

  /** Takes ownership of `key`. `n` is the first nonce. */
  constructor(crypto: Crypto, name: AeadName, key: Secret, n = 0n) {
    this.#crypto = crypto;
    this.#name = name;
    this.#key = key;
    this.#cipher = crypto.cipher(name, key);
    this.#n = n;
  }

  encrypt(additionalData: Uint8Array, plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher.seal(this.#nonce(), plaintext, additionalData);
    this.#n += 1n;
    return sealed;
  }

  /** Throws `crypto.decrypt_failed`, and then the nonce stays where it was. */
  decrypt(additionalData: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    const opened = this.#cipher.open(this.#nonce(), ciphertext, additionalData);
    this.#n += 1n;
    return opened;
  }

  /** Section 4.2, REKEY: a one-way step, so that a key stolen later does not open what went before. */
  rekey(): void {
    const next = this.#cipher.seal(nonceBytes(this.#name, maxNonce), zeros, empty).slice(0, 32);
    this.wipe();
    this.#key = Secret.from(next);
    this.#cipher = this.#crypto.cipher(this.#name, this.#key);
  }

  wipe(): void {
    this.#key.wipe();
  }

  /** Threat: a counter that wraps reuses a nonce and gives the key stream away. It ends instead. */
  #nonce(): Uint8Array {
    if (this.#n >= maxNonce) throw fail('session.closed', 'the nonces of this key are used up');
    return nonceBytes(this.#name, this.#n);
  }
}
