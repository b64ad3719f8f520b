import { crypto, type KeyPair, type Random, Secret, toBase64url } from '@caponier/crypto';
import { encodeDid, type Signer, sign } from '@caponier/protocol';
import { openSealed } from '@caponier/session';

/**
 * How a value reaches the vault: sealed to keys of its own, hybrid of X25519 and ML-KEM-768.
 *
 * Threat: the body of a request is shown to the gate, which decides by it, and may travel on into a capsule. Measure: what
 * is secret in it is readable to the vault alone; the keys are named in a statement by the key that the owner trusts for
 * this class. What remains: they are derived from the master key and live as long, so who takes that later can open what
 * was recorded earlier.
 */
export class Intake {
  readonly #box: KeyPair;
  readonly #prekey: KeyPair;
  readonly #kem: KeyPair;

  constructor(master: Secret) {
    const derive = (name: string, length: number) =>
      Secret.from(
        crypto.hkdf('SHA256', master.expose(), new Uint8Array(0), ascii.encode(`caponier/vault/${name}/1`), length),
      );
    this.#box = crypto.x25519.keyPair(derive('box', 32));
    this.#prekey = crypto.x25519.keyPair(derive('prekey', 32));
    this.#kem = crypto.mlkem768.keyPair(derive('kem', 64));
  }

  /** The keys, said by the vault. `now` in milliseconds. */
  statement(signer: Signer, random: Random, now: number): Promise<string> {
    return sign(signer, 'prekeys', {
      aud: 'any',
      versions: [1],
      box: encodeDid('x25519', this.#box.publicKey),
      prekey: toBase64url(this.#prekey.publicKey),
      kem: toBase64url(this.#kem.publicKey),
      oneTime: null,
      iat: Math.floor(now / 1000),
      nonce: toBase64url(random(16)),
    });
  }

  /** Throws `session.bad_record`, `crypto.*`. */
  open(sealed: Uint8Array, context: Uint8Array): Secret {
    return Secret.from(openSealed(sealed, { box: this.#prekey, kem: this.#kem, context }));
  }

  wipe(): void {
    for (const { secretKey } of [this.#box, this.#prekey, this.#kem]) secretKey.wipe();
  }
}

const ascii = new TextEncoder();
