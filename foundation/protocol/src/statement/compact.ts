import { crypto, fromBase64url, toBase64url } from '@caponier/crypto';
import { fail } from '../errors/catalogue.ts';
import type { Kind } from '../kinds/table.ts';

/** The one strict JWS profile (design section 3): how a statement is cut into parts and put together. */

export type Alg = 'Ed25519' | 'ES256' | 'webauthn-ES256';

export interface Header {
  readonly alg: Alg;
  readonly typ: `stmt1.${Kind}+jws`;
  readonly kid: string;
}

export interface Parts {
  readonly header: Header;
  /** The payload as parsed JSON: canonical, but not yet held against a form. */
  readonly payload: unknown;
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

const ascii = new TextEncoder();
/** A byte order mark stays in the text, where JSON.parse refuses it: two byte strings must never mean one payload. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function asciiBytes(text: string): Uint8Array {
  return ascii.encode(text);
}

export function signingInputOf(header: Header, payload: unknown): string {
  const part = (value: unknown) => toBase64url(ascii.encode(JSON.stringify(value)));
  return `${part({ alg: header.alg, typ: header.typ, kid: header.kid })}.${part(payload)}`;
}

/** `SHA-256(ASCII bytes)` of the compact form. P-256 signatures are malleable, so replay is never judged by id. */
export function idOf(jws: string): string {
  return toBase64url(crypto.sha256(ascii.encode(jws)));
}

/**
 * JSON whose bytes are exactly `JSON.stringify(JSON.parse(bytes))`: no duplicate members, no white space, one spelling
 * of each number and string.
 */
function canonicalJson(bytes: Uint8Array): unknown {
  let text: string;
  let value: unknown;
  try {
    text = strictUtf8.decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw fail('statement.malformed', 'not JSON', cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw fail('statement.malformed', 'not an object');
  if (JSON.stringify(value) !== text) throw fail('statement.malformed', 'not canonical JSON');
  return value;
}

const headerMembers = ['alg', 'typ', 'kid'] as const;

/** Cuts a compact JWS into its parts. `maxBytes` is checked before anything is decoded. */
export function splitCompact(jws: string, maxBytes: number): Parts {
  if (typeof jws !== 'string') throw fail('statement.malformed', 'not text');
  if (jws.length > maxBytes) throw fail('statement.too_large', `${jws.length} bytes`);
  const parts = jws.split('.', 4);
  const [head, body, tail] = parts;
  if (parts.length !== 3 || !head || !body || !tail) throw fail('statement.malformed', 'not three parts');
  let headerBytes: Uint8Array;
  let payloadBytes: Uint8Array;
  let signature: Uint8Array;
  try {
    headerBytes = fromBase64url(head);
    payloadBytes = fromBase64url(body);
    signature = fromBase64url(tail);
  } catch (cause) {
    throw fail('statement.malformed', 'not base64url', cause);
  }
  const header = canonicalJson(headerBytes) as Record<string, unknown>;
  const members = Object.keys(header);
  if (
    members.length !== 3 ||
    headerMembers.some((name, i) => members[i] !== name || typeof header[name] !== 'string')
  ) {
    throw fail('statement.malformed', 'header members');
  }
  return {
    header: header as unknown as Header,
    payload: canonicalJson(payloadBytes),
    signingInput: ascii.encode(`${head}.${body}`),
    signature,
  };
}
