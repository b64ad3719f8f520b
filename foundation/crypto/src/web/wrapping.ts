import { decryptFailed } from '../check.ts';
import { Secret } from '../secret.ts';
import type { Random } from '../types.ts';

/**
 * Keys at rest in a browser: sealed under an AES-GCM key that WebCrypto holds and does not give out, not even to the
 * page that made it. The caller keeps that `CryptoKey` in IndexedDB beside what it sealed.
 *
 * Threat: a copy of the profile's storage taken through the page (an export, a debug log, a stolen IndexedDB dump made
 * by script). Measure: the dump holds no key bytes in the clear. What remains: script running in the page can ask for
 * the key to be used, and a browser keeps non-extractable keys on disk in a form its own user can read.
 */
export function makeWrappingKey(subtle: SubtleCrypto): Promise<CryptoKey> {
  return subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

const nonceLength = 12;

/** `nonce ‖ ciphertext ‖ tag`. `context` says what the secret is for, and must be the same when unwrapping. */
export async function wrapSecret(
  subtle: SubtleCrypto,
  key: CryptoKey,
  random: Random,
  secret: Secret,
  context: Uint8Array,
): Promise<Uint8Array> {
  const nonce = random(nonceLength);
  const sealed = await subtle.encrypt(gcm(nonce, context), key, source(secret.expose()));
  const wrapped = new Uint8Array(nonceLength + sealed.byteLength);
  wrapped.set(nonce);
  wrapped.set(new Uint8Array(sealed), nonceLength);
  return wrapped;
}

/** Throws `crypto.decrypt_failed` for another key, another context or altered bytes. */
export async function unwrapSecret(
  subtle: SubtleCrypto,
  key: CryptoKey,
  wrapped: Uint8Array,
  context: Uint8Array,
): Promise<Secret> {
  try {
    const nonce = wrapped.subarray(0, nonceLength);
    const opened = await subtle.decrypt(gcm(nonce, context), key, source(wrapped.subarray(nonceLength)));
    return Secret.from(new Uint8Array(opened));
  } catch (cause) {
    throw decryptFailed(cause);
  }
}

function gcm(nonce: Uint8Array, context: Uint8Array): AesGcmParams {
  return { name: 'AES-GCM', iv: source(nonce), additionalData: source(context) };
}

/** WebCrypto's types want memory that is not shared between threads; ours never is. */
function source(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes as Uint8Array<ArrayBuffer>;
}
