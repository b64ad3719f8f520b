import { crypto, fromBase64url, type Random, toBase64url } from '@caponier/crypto';
import { fail } from './errors/catalogue.ts';

/** A body travels beside its statement, which carries only a salted digest: it can be withheld without breaking a signature. */
export interface SaltedDigest {
  readonly salt: string;
  readonly digest: string;
}

export function digestBody(body: Uint8Array, random: Random): SaltedDigest {
  const salt = random(16);
  return { salt: toBase64url(salt), digest: toBase64url(crypto.sha256(salt, body)) };
}

/** Throws `permit.request_mismatch` unless this is the body that was signed. */
export function checkBody(body: Uint8Array | null, signed: SaltedDigest | null): void {
  if (body === null && signed === null) return;
  if (
    body === null ||
    signed === null ||
    toBase64url(crypto.sha256(fromBase64url(signed.salt), body)) !== signed.digest
  ) {
    throw fail('permit.request_mismatch', 'body');
  }
}
