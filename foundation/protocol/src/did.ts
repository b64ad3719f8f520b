import { base58 } from '@scure/base';
import { fail } from './errors/catalogue.ts';

/** A signing key by name: `did:key:z6Mk…` (Ed25519) or `did:key:zDn…` (P-256). */
export type Did = `did:key:z${string}`;
/** An X25519 key by name: `did:key:z6LS…`. It agrees on keys and never signs. */
export type BoxDid = `did:key:z6LS${string}`;

export type KeyType = 'ed25519' | 'p256' | 'x25519';

interface KeyForm {
  readonly type: KeyType;
  /** Multicodec prefix, as an unsigned varint (did:key method, section 3.1). */
  readonly prefix: readonly [number, number];
  readonly length: number;
}

const forms: readonly KeyForm[] = [
  { type: 'ed25519', prefix: [0xed, 0x01], length: 32 },
  { type: 'p256', prefix: [0x80, 0x24], length: 33 },
  { type: 'x25519', prefix: [0xec, 0x01], length: 32 },
];

const didPrefix = 'did:key:z';
/** The longest name we know (P-256) has 58 characters; base58 decoding is quadratic, so length is checked first. */
const maxDidLength = 64;

export function encodeDid(type: 'ed25519' | 'p256', key: Uint8Array): Did;
export function encodeDid(type: 'x25519', key: Uint8Array): BoxDid;
export function encodeDid(type: KeyType, key: Uint8Array): Did {
  const form = forms.find((f) => f.type === type)!;
  if (key.length !== form.length) throw fail('statement.bad_key', `${type} key of ${key.length} bytes`);
  const bytes = new Uint8Array(2 + key.length);
  bytes.set(form.prefix);
  bytes.set(key, 2);
  return `${didPrefix}${base58.encode(bytes)}`;
}

/** Throws `statement.bad_key` for anything that is not exactly one of our three forms. */
export function decodeDid(did: string): { readonly type: KeyType; readonly key: Uint8Array } {
  if (did.length > maxDidLength || !did.startsWith(didPrefix)) throw fail('statement.bad_key', 'not a did:key');
  let bytes: Uint8Array;
  try {
    bytes = base58.decode(did.slice(didPrefix.length));
  } catch (cause) {
    throw fail('statement.bad_key', 'not base58', cause);
  }
  const form = forms.find((f) => bytes[0] === f.prefix[0] && bytes[1] === f.prefix[1]);
  if (!form || bytes.length !== 2 + form.length) throw fail('statement.bad_key', 'unknown key type or length');
  return { type: form.type, key: bytes.slice(2) };
}

/** The raw key of a name that must be of the given type. */
export function keyOf(did: string, type: KeyType): Uint8Array {
  const decoded = decodeDid(did);
  if (decoded.type !== type) throw fail('statement.bad_key', `${decoded.type} where ${type} is needed`);
  return decoded.key;
}

export function isDid(text: string, ...types: KeyType[]): boolean {
  try {
    return types.includes(decodeDid(text).type);
  } catch {
    return false;
  }
}
