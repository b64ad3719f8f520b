import { type Crypto, Secret, utf8 } from '@caponier/crypto';
import { empty } from '../bytes.ts';
import { CipherState } from './cipher-state.ts';
import type { NoiseProtocol } from './protocol-name.ts';

/** Section 5.2: the chaining key, the transcript hash and, once there is one, the cipher of the handshake. */
export class SymmetricState {
  readonly #crypto: Crypto;
  readonly #protocol: NoiseProtocol;
  #chainingKey: Uint8Array;
  #hash: Uint8Array;
  #cipher: CipherState | null = null;

  constructor(crypto: Crypto, protocol: NoiseProtocol) {
    this.#crypto = crypto;
    this.#protocol = protocol;
    const name = utf8(protocol.name);
    const hashLength = crypto.hash(protocol.hash, empty).length;
    if (name.length <= hashLength) {
      this.#hash = new Uint8Array(hashLength);
      this.#hash.set(name);
    } else {
      this.#hash = crypto.hash(protocol.hash, name);
    }
    this.#chainingKey = this.#hash.slice();
  }

  get hasKey(): boolean {
    return this.#cipher !== null;
  }

  get handshakeHash(): Uint8Array {
    return this.#hash.slice();
  }

  mixHash(data: Uint8Array): void {
    this.#hash = this.#crypto.hash(this.#protocol.hash, this.#hash, data);
  }

  mixKey(input: Uint8Array): void {
    const [chainingKey, key] = this.#expand(input, 2);
    this.#chainingKey = chainingKey!;
    this.#setCipher(key!);
  }

  mixKeyAndHash(input: Uint8Array): void {
    const [chainingKey, hash, key] = this.#expand(input, 3);
    this.#chainingKey = chainingKey!;
    this.mixHash(hash!);
    this.#setCipher(key!);
  }

  encryptAndHash(plaintext: Uint8Array): Uint8Array {
    const sealed = this.#cipher ? this.#cipher.encrypt(this.#hash, plaintext) : plaintext.slice();
    this.mixHash(sealed);
    return sealed;
  }

  decryptAndHash(sealed: Uint8Array): Uint8Array {
    const plaintext = this.#cipher ? this.#cipher.decrypt(this.#hash, sealed) : sealed.slice();
    this.mixHash(sealed);
    return plaintext;
  }

  /** The two transport ciphers: initiator to responder, and back. Nothing of this state is usable afterwards. */
  split(): [CipherState, CipherState] {
    const [first, second] = this.#expand(empty, 2);
    this.wipe();
    return [this.#makeCipher(first!), this.#makeCipher(second!)];
  }

  wipe(): void {
    this.#chainingKey.fill(0);
    this.#cipher?.wipe();
  }

  #setCipher(key: Uint8Array): void {
    this.#cipher?.wipe();
    this.#cipher = this.#makeCipher(key);
  }

  /** With hashes of 64 bytes the key is the first 32 (section 5.2). */
  #makeCipher(key: Uint8Array): CipherState {
    return new CipherState(this.#crypto, this.#protocol.cipher, Secret.from(key.slice(0, 32)));
  }

  /** Section 4.3: the HKDF of Noise is RFC 5869 with the chaining key as salt and no info. */
  #expand(input: Uint8Array, outputs: 2 | 3): Uint8Array[] {
    const length = this.#hash.length;
    const output = this.#crypto.hkdf(this.#protocol.hash, input, this.#chainingKey, empty, outputs * length);
    const parts = Array.from({ length: outputs }, (_, i) => output.slice(i * length, (i + 1) * length));
    output.fill(0);
    return parts;
  }
}
