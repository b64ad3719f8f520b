import { crypto, type Random, Secret } from '@caponier/crypto';
import { fail } from '@caponier/protocol';

/** Bytes of the master key. */
export const MASTER_KEY_BYTES = 32;

/** What a sealed value belongs to. Opening it as anything else fails. */
export interface Place {
  /** The owner's id. */
  readonly owner: string;
  readonly name: string;
  readonly version: number;
}

/**
 * Seals values under a key per owner and epoch, derived from the master key (HKDF, RFC 5869), with ChaCha20-Poly1305
 * (RFC 8439).
 *
 * Sealed form, in bytes: format 1 ‖ key id 16 ‖ nonce 12 ‖ ciphertext and tag. The key id is epoch (4, big-endian) ‖ 12
 * derived bytes, so a value sealed in an older epoch names its own key, and a wrong master key is told from damage.
 *
 * Threat: whoever can write the database moves values about (another owner's, an older one under a new name or hosts).
 * Measure: owner, name, version, key id and the rules of use are authenticated with the value. What remains: a whole
 * older database can be put in place of a newer one.
 */
export class Keyring {
  readonly #master: Secret;
  readonly #random: Random;
  readonly #keys = new Map<string, OwnerKey>();

  constructor(master: Secret, random: Random) {
    if (master.length !== MASTER_KEY_BYTES) throw fail('vault.locked', `master key of ${master.length} bytes`);
    this.#master = master;
    this.#random = random;
  }

  /** `rules` is what the owner allowed the value to be used for, as text; it is authenticated, not hidden. */
  seal(value: Secret, place: Place, rules: string, epoch: number): Uint8Array {
    const { id, key } = this.#key(place.owner, epoch);
    const nonce = this.#random(NONCE);
    const sealed = crypto.cipher('ChaChaPoly', key).seal(nonce, value.expose(), additionalData(place, rules, id));
    return concat(Uint8Array.of(FORMAT), id, nonce, sealed);
  }

  /** Throws `vault.locked` under another master key, `crypto.decrypt_failed` where anything was changed. */
  open(blob: Uint8Array, place: Place, rules: string): Secret {
    if (blob.length < HEADER + TAG || blob[0] !== FORMAT) throw fail('crypto.decrypt_failed', 'form of a sealed value');
    const id = blob.subarray(1, 1 + KEY_ID);
    const epoch = new DataView(id.buffer, id.byteOffset, id.byteLength).getUint32(0);
    const known = this.#key(place.owner, epoch);
    if (!crypto.equal(id, known.id)) throw fail('vault.locked', 'key id');
    const nonce = blob.subarray(1 + KEY_ID, HEADER);
    const aad = additionalData(place, rules, known.id);
    return Secret.from(crypto.cipher('ChaChaPoly', known.key).open(nonce, blob.subarray(HEADER), aad));
  }

  /** Forgets the master key and what was derived from it. */
  wipe(): void {
    for (const { key } of this.#keys.values()) key.wipe();
    this.#keys.clear();
    this.#master.wipe();
  }

  #key(owner: string, epoch: number): OwnerKey {
    const name = `${epoch}:${owner}`;
    const known = this.#keys.get(name);
    if (known) return known;
    const info = ascii.encode(`caponier/vault/1\0${owner}\0${epoch}`);
    const bytes = crypto.hkdf('SHA256', this.#master.expose(), new Uint8Array(0), info, 32 + KEY_ID - 4);
    const id = new Uint8Array(KEY_ID);
    new DataView(id.buffer).setUint32(0, epoch);
    id.set(bytes.subarray(32), 4);
    const made: OwnerKey = { id, key: Secret.from(bytes.slice(0, 32)) };
    bytes.fill(0);
    if (this.#keys.size >= MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value as string);
    this.#keys.set(name, made);
    return made;
  }
}

interface OwnerKey {
  readonly id: Uint8Array;
  readonly key: Secret;
}

const FORMAT = 1;
const KEY_ID = 16;
const NONCE = 12;
const TAG = 16;
const HEADER = 1 + KEY_ID + NONCE;

/** Derived keys kept at once; deriving one again takes microseconds. */
const MAX_KEYS = 1_024;

const ascii = new TextEncoder();

/** Each part with its length before it, so that no two places read alike. */
function additionalData(place: Place, rules: string, keyId: Uint8Array): Uint8Array {
  const parts = [place.owner, place.name, String(place.version), rules].map((part) => ascii.encode(part));
  return concat(keyId, ...parts.flatMap((part) => [lengthOf(part), part]));
}

function lengthOf(part: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, part.length);
  return length;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
