import { crypto, fromBase64url, toBase64url } from '@caponier/crypto';
import { fail } from '../errors/catalogue.ts';

/**
 * Passkeys sign no JWS. An `approval` by passkey carries, as its signature part, base64url of
 * `{authData, clientDataJSON, sig}`; the challenge is SHA-256 of the signing input (WebAuthn level 2, section 7.2).
 */

/** What a passkey said about the place it was used in. Held against the `approver` statement by whoever has the view. */
export interface PasskeyContext {
  /** SHA-256 of the relying party id, base64url. */
  readonly rpIdHash: string;
  readonly origin: string;
}

export interface PasskeyAssertion {
  readonly authData: Uint8Array;
  readonly clientDataJSON: Uint8Array;
  /** ASN.1 DER, as authenticators give it. */
  readonly sig: Uint8Array;
}

const userPresent = 0x01;
const userVerified = 0x04;
/** rpIdHash, flags, counter; extensions may follow, an authenticator's are short. */
const minAuthData = 37;
const maxAuthData = 1024;
const maxClientData = 2048;

const encoder = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeAssertion(assertion: PasskeyAssertion): Uint8Array {
  return encoder.encode(
    JSON.stringify({
      authData: toBase64url(assertion.authData),
      clientDataJSON: toBase64url(assertion.clientDataJSON),
      sig: toBase64url(assertion.sig),
    }),
  );
}

function parseJson(bytes: Uint8Array): Record<string, unknown> {
  const value: unknown = JSON.parse(strictUtf8.decode(bytes));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('not an object');
  return value as Record<string, unknown>;
}

/** Strict: what parses re-encodes to the same bytes. */
function decodeAssertion(bytes: Uint8Array): PasskeyAssertion {
  let assertion: PasskeyAssertion;
  try {
    const { authData, clientDataJSON, sig } = parseJson(bytes) as Record<string, string>;
    assertion = {
      authData: fromBase64url(authData!),
      clientDataJSON: fromBase64url(clientDataJSON!),
      sig: fromBase64url(sig!),
    };
  } catch (cause) {
    throw fail('statement.malformed', 'passkey assertion', cause);
  }
  const again = encodeAssertion(assertion);
  if (again.length !== bytes.length || again.some((b, i) => b !== bytes[i]))
    throw fail('statement.malformed', 'passkey assertion form');
  return assertion;
}

/** One DER INTEGER of at most 32 significant bytes, left-padded; strict as in RFC 3279 and X.690 section 8.3. */
function derInteger(der: Uint8Array, at: number, out: Uint8Array): number {
  const length = der[at + 1] ?? 0;
  const start = at + 2;
  const value = der.subarray(start, start + length);
  if (der[at] !== 0x02 || length < 1 || length > 33 || value.length !== length)
    throw fail('statement.malformed', 'DER');
  if (value[0]! >= 0x80 || (value[0] === 0 && length > 1 && value[1]! < 0x80)) throw fail('statement.malformed', 'DER');
  const digits = value[0] === 0 ? value.subarray(1) : value;
  if (digits.length > 32) throw fail('statement.malformed', 'DER');
  out.set(digits, 32 - digits.length);
  return start + length;
}

/** ASN.1 DER to r ‖ s. */
export function signatureFromDer(der: Uint8Array): Uint8Array {
  const out = new Uint8Array(64);
  if (der[0] !== 0x30 || der[1] !== der.length - 2) throw fail('statement.malformed', 'DER');
  const next = derInteger(der, 2, out.subarray(0, 32));
  if (derInteger(der, next, out.subarray(32)) !== der.length) throw fail('statement.malformed', 'DER');
  return out;
}

/** Checks type, challenge, user presence and verification, and the signature; yields the place for the view to judge. */
export function verifyAssertion(
  signature: Uint8Array,
  signingInput: Uint8Array,
  publicKey: Uint8Array,
): PasskeyContext {
  const { authData, clientDataJSON, sig } = decodeAssertion(signature);
  if (authData.length < minAuthData || authData.length > maxAuthData || clientDataJSON.length > maxClientData) {
    throw fail('statement.malformed', 'passkey assertion size');
  }
  let client: Record<string, unknown>;
  try {
    client = parseJson(clientDataJSON);
  } catch (cause) {
    throw fail('statement.malformed', 'client data', cause);
  }
  const { type, challenge, origin, crossOrigin } = client;
  if (type !== 'webauthn.get' || typeof origin !== 'string' || (crossOrigin !== undefined && crossOrigin !== false)) {
    throw fail('statement.bad_signature', 'client data type or origin');
  }
  if (challenge !== toBase64url(crypto.sha256(signingInput))) throw fail('statement.bad_signature', 'challenge');
  const flags = authData[32]!;
  if ((flags & userPresent) === 0 || (flags & userVerified) === 0)
    throw fail('statement.bad_signature', 'user not verified');
  const signed = new Uint8Array(authData.length + 32);
  signed.set(authData);
  signed.set(crypto.sha256(clientDataJSON), authData.length);
  if (!crypto.p256.verify(signatureFromDer(sig), signed, publicKey)) throw fail('statement.bad_signature');
  return { rpIdHash: toBase64url(authData.slice(0, 32)), origin };
}
