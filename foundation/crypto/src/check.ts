import { CaponierError } from './error.ts';
import type { Secret } from './secret.ts';

/** The one place where lengths of keys, nonces and seeds are checked, so that every backend gives the same error. */
export function expectLength(bytes: Uint8Array | Secret, length: number, what: string): void {
  if (bytes.length !== length) throw badKey(`${what} has ${bytes.length} bytes, not ${length}`);
}

export function badKey(detail: string, cause?: unknown): CaponierError {
  return new CaponierError('crypto.bad_key', `crypto.bad_key: ${detail}`, cause === undefined ? undefined : { cause });
}

export function weakPoint(cause?: unknown): CaponierError {
  return new CaponierError(
    'crypto.weak_point',
    'crypto.weak_point: the shared secret is all zero',
    cause === undefined ? undefined : { cause },
  );
}

export function badCiphertext(detail: string): CaponierError {
  return new CaponierError('crypto.bad_ciphertext', `crypto.bad_ciphertext: ${detail}`);
}

/** One error for every reason an AEAD does not open: telling them apart helps only an attacker. */
export function decryptFailed(cause?: unknown): CaponierError {
  return new CaponierError('crypto.decrypt_failed', undefined, cause === undefined ? undefined : { cause });
}
