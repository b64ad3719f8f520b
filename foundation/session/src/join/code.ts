import {
  type Crypto,
  concat,
  crypto as defaultCrypto,
  fromBase64url,
  type Random,
  Secret,
  toBase64url,
  utf8,
} from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { Reader, u8 } from '../bytes.ts';

/** 128 bits, never fewer: whoever watches a meeting can try guesses at it offline for ever (design section 6). */
export const codeSecretBytes = 16;
/** Characters of the longest code that is looked at. */
const maxCodeLength = 512;

/** The order is the wire form: append only. */
const codeKinds = ['member', 'controller', 'approver', 'contact', 'guest', 'room'] as const;
export type CodeKind = (typeof codeKinds)[number];

/** What a code carries. Everything stands in the fragment but the address, and browsers send no fragment. */
export interface JoinCode {
  readonly secret: Secret;
  /** `https://host[:port]`, or `http://` on loopback: the relay where the meeting waits. */
  readonly relay: string;
  /** SHA-256 of the relay's certificate (DER) as base64url; null where the web's authorities vouch for it, or on loopback. */
  readonly pin: string | null;
  /** The id that what the other side shows must lead back to, as base64url: SHA-256, 43 characters. */
  readonly trust: string;
  readonly kind: CodeKind;
}

const version = 1;
const hashBytes = 32;

export function newCodeSecret(random: Random): Secret {
  return Secret.from(random(codeSecretBytes));
}

/** An origin in the one spelling that `URL` gives it. */
function origin(relay: string): string {
  let url: URL;
  try {
    url = new URL(relay);
  } catch (cause) {
    throw fail('code.malformed', 'not an address', cause);
  }
  if ((url.protocol !== 'https:' && url.protocol !== 'http:') || url.origin !== relay)
    throw fail('code.malformed', 'not an origin of http or https');
  return relay;
}

function hash(text: string): Uint8Array {
  const bytes = decode(text);
  if (bytes.length !== hashBytes) throw fail('code.malformed', 'a hash has the wrong length');
  return bytes;
}

function decode(text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw fail('code.malformed', 'not canonical base64url', cause);
  }
}

/** `https://relay/#…`, for a link or a QR. Holds the secret: whoever reads it can join. */
export function encodeCode(code: JoinCode): string {
  if (code.secret.length !== codeSecretBytes) throw fail('code.malformed', 'the secret has the wrong length');
  const pin = code.pin === null ? u8(0) : concat(u8(1), hash(code.pin));
  const kind = u8(codeKinds.indexOf(code.kind));
  const body = concat(u8(version), kind, code.secret.expose(), hash(code.trust), pin);
  const text = `${origin(code.relay)}/#${toBase64url(body)}`;
  if (text.length > maxCodeLength) throw fail('code.malformed', 'the address is too long');
  return text;
}

/** Throws `code.malformed`, and `session.bad_version` for a code of a later version. */
export function parseCode(text: string): JoinCode {
  if (text.length > maxCodeLength) throw fail('code.malformed', 'too long');
  const split = text.indexOf('/#');
  if (split === -1) throw fail('code.malformed', 'no fragment');
  const reader = new Reader(decode(text.slice(split + 2)), (detail) => fail('code.malformed', detail));
  if (reader.u8() !== version) throw fail('session.bad_version', 'join code');
  const kind = codeKinds[reader.u8()];
  if (!kind) throw fail('code.malformed', 'unknown kind');
  const secret = Secret.from(reader.take(codeSecretBytes));
  const trust = toBase64url(reader.take(hashBytes));
  const pin = reader.flag() ? toBase64url(reader.take(hashBytes)) : null;
  reader.end();
  return { secret, relay: origin(text.slice(0, split)), pin, trust, kind };
}

/** Under which name the two meet: tells whoever sees it nothing about the secret. Base64url, 43 characters. */
export function meetingName(secret: Secret, crypto: Crypto = defaultCrypto): string {
  return toBase64url(derive(crypto, secret, 'caponier join 1 meeting'));
}

/** The pre-shared key of the handshake: another hash, so that the meeting's name does not give it away. */
export function joinKey(secret: Secret, crypto: Crypto): Secret {
  return Secret.from(derive(crypto, secret, 'caponier join 1 key'));
}

function derive(crypto: Crypto, secret: Secret, info: string): Uint8Array {
  if (secret.length !== codeSecretBytes) throw fail('code.malformed', 'the secret has the wrong length');
  return crypto.hkdf('SHA256', secret.expose(), new Uint8Array(0), utf8(info), hashBytes);
}
