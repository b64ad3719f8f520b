import { crypto } from '#backend';
import { concat, fromBase64url, fromUtf8, toBase64url, utf8 } from './bytes.ts';
import { CaponierError } from './error.ts';
import { Secret } from './secret.ts';
import type { Argon2Cost, Random } from './types.ts';

/**
 * A secret in a file, under a passphrase. One line of JSON with exactly these members in this order, then a newline:
 *
 *     {"type":"caponier-key-1","kdf":"argon2id","memoryKib":65536,"passes":3,"lanes":4,"salt":"…16 bytes…","sealed":"…"}
 *
 * argon2id(passphrase, salt) gives 44 bytes: a ChaCha20-Poly1305 key and its nonce, used once, since every sealing
 * draws a new salt. Everything before `sealed` is the additional data, so no parameter can be changed. A file that is
 * not byte for byte what `encode` would write is refused.
 *
 * Threat: a hostile file (a restored backup, a shared folder) that asks for a terabyte of memory or an hour of work.
 * Measure: size and costs are bounded before anything is allocated or derived. What remains: a weak passphrase can be
 * guessed offline, at the cost written in the file.
 */
interface KeyFile {
  readonly cost: Argon2Cost;
  readonly salt: Uint8Array;
  readonly sealed: Uint8Array;
}

/** The second recommended option of RFC 9106 section 4: 64 MiB, 3 passes, 4 lanes; under a second on a small machine. */
export const keyFileCost: Argon2Cost = Object.freeze({ memoryKib: 65_536, passes: 3, lanes: 4 });

/** The most a file may ask for: 256 MiB, 8 passes, 8 lanes. Some seconds on a small machine. */
export const maximumKeyFileCost: Argon2Cost = Object.freeze({ memoryKib: 262_144, passes: 8, lanes: 8 });

/** Bytes of the longest secret a key file holds. */
export const maximumKeyFileSecret = 4_096;

const type = 'caponier-key-1';
const saltLength = 16;
const tagLength = 16;
/** Bytes: the longest secret in base64url, and the members before it. */
const maximumFile = 8_192;

/** The bytes a typed passphrase stands for: NFKC first, since keyboards differ in how they compose an accent. */
export function passphraseFromText(text: string): Secret {
  return Secret.from(utf8(text.normalize('NFKC')));
}

/** Throws `crypto.bad_key_file` when the secret is too long or the cost out of bounds. Units as in `Argon2Cost`. */
export function sealKeyFile(
  secret: Secret,
  passphrase: Secret,
  random: Random,
  cost: Argon2Cost = keyFileCost,
): Uint8Array {
  if (secret.length > maximumKeyFileSecret) throw badKeyFile(`the secret has ${secret.length} bytes`);
  checkCost(cost);
  const salt = random(saltLength);
  const { cipher, nonce } = deriveCipher(passphrase, salt, cost);
  const sealed = cipher.seal(nonce, secret.expose(), header(cost, salt));
  return encode({ cost, salt, sealed });
}

/**
 * Throws `crypto.bad_key_file` for anything but a key file within bounds, and `crypto.decrypt_failed` for a wrong
 * passphrase or an altered file.
 */
export function openKeyFile(bytes: Uint8Array, passphrase: Secret): Secret {
  const { cost, salt, sealed } = parse(bytes);
  const { cipher, nonce } = deriveCipher(passphrase, salt, cost);
  return Secret.from(cipher.open(nonce, sealed, header(cost, salt)));
}

function deriveCipher(passphrase: Secret, salt: Uint8Array, cost: Argon2Cost) {
  const derived = crypto.argon2id(passphrase.expose(), salt, cost, 44);
  const cipher = crypto.cipher('ChaChaPoly', Secret.from(derived.expose().slice(0, 32)));
  const nonce = derived.expose().slice(32);
  derived.wipe();
  return { cipher, nonce };
}

function header(cost: Argon2Cost, salt: Uint8Array): Uint8Array {
  const { memoryKib, passes, lanes } = cost;
  return utf8(
    JSON.stringify({ type, kdf: 'argon2id', memoryKib, passes, lanes, salt: toBase64url(salt) }).slice(0, -1),
  );
}

function encode({ cost, salt, sealed }: KeyFile): Uint8Array {
  return concat(header(cost, salt), utf8(`,"sealed":"${toBase64url(sealed)}"}\n`));
}

function parse(bytes: Uint8Array): KeyFile {
  if (bytes.length > maximumFile) throw badKeyFile(`${bytes.length} bytes`);
  let file: KeyFile;
  try {
    const { memoryKib, passes, lanes, salt, sealed } = JSON.parse(fromUtf8(bytes));
    file = { cost: { memoryKib, passes, lanes }, salt: fromBase64url(salt), sealed: fromBase64url(sealed) };
  } catch {
    throw badKeyFile('not the JSON of a key file');
  }
  checkCost(file.cost);
  const { length } = file.sealed;
  if (file.salt.length !== saltLength) throw badKeyFile('salt length');
  if (length < tagLength || length > maximumKeyFileSecret + tagLength) throw badKeyFile('sealed length');
  if (!crypto.equal(encode(file), bytes)) throw badKeyFile('not in its one form');
  return file;
}

function checkCost({ memoryKib, passes, lanes }: Argon2Cost): void {
  const within = (value: number, from: number, to: number) => Number.isInteger(value) && value >= from && value <= to;
  if (
    !within(passes, 1, maximumKeyFileCost.passes) ||
    !within(lanes, 1, maximumKeyFileCost.lanes) ||
    // RFC 9106 section 3.1: at least 8 KiB a lane.
    !within(memoryKib, 8 * lanes, maximumKeyFileCost.memoryKib)
  ) {
    throw badKeyFile('cost out of bounds');
  }
}

function badKeyFile(detail: string): CaponierError {
  return new CaponierError('crypto.bad_key_file', `crypto.bad_key_file: ${detail}`);
}
