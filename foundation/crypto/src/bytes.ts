import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { base64url } from '#backend';
import { CaponierError } from './error.ts';

const encoder = new TextEncoder();
/** `ignoreBOM` keeps a leading U+FEFF, so that what decodes encodes to the same bytes. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8. Throws `crypto.bad_encoding` for a lone surrogate, which would otherwise silently become U+FFFD. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw badEncoding('text has a lone surrogate');
  return encoder.encode(text);
}

/** Strict UTF-8. Throws `crypto.bad_encoding`. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw badEncoding('not UTF-8');
  }
}

/** base64url without padding (RFC 4648 section 5, RFC 7515 appendix C). */
export function toBase64url(bytes: Uint8Array): string {
  return base64url.encode(bytes);
}

/**
 * The inverse of `toBase64url`, and nothing more: padding, other letters, whitespace, an impossible length or non-zero
 * trailing bits throw `crypto.bad_encoding`. Two texts for the same bytes would be two ids for the same statement.
 */
export function fromBase64url(text: string): Uint8Array {
  const bytes = base64url.decode(text);
  if (!bytes) throw badEncoding('not canonical base64url');
  return bytes;
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return bytesToHex(bytes);
}

/** The inverse of `toHex`: upper case or an odd length throw `crypto.bad_encoding`. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) throw badEncoding('not lower-case hexadecimal');
  return hexToBytes(text);
}

/** One array of all the parts, in order. */
export function concat(...parts: Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function badEncoding(detail: string): CaponierError {
  return new CaponierError('crypto.bad_encoding', `crypto.bad_encoding: ${detail}`);
}
