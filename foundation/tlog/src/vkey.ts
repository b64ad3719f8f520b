import { crypto } from '@caponier/crypto';
import { type Did, encodeDid, fail, keyOf } from '@caponier/protocol';
import { base64 } from '@scure/base';

/** C2SP signed-note signature types: a log signs with Ed25519, a witness with cosignature/v1. */
export type NoteKeyType = 'ed25519' | 'cosignature';
const typeByte: Readonly<Record<NoteKeyType, number>> = { ed25519: 0x01, cosignature: 0x04 };

/** A key that signs notes: its name, what kind of signature it makes, and the key itself. */
export interface NoteKey {
  readonly name: string;
  readonly type: NoteKeyType;
  readonly did: Did;
  /** The 32 bytes of Ed25519. */
  readonly key: Uint8Array;
  /** First four bytes of SHA-256(name ‖ LF ‖ type ‖ key): tells signatures apart, proves nothing. */
  readonly id: Uint8Array;
}

/** The key of a log; its name is the origin of the log's checkpoints. Throws `statement.bad_key`, `log.bad_note`. */
export function logKey(origin: string, did: Did): NoteKey {
  return noteKey(origin, 'ed25519', keyOf(did, 'ed25519'));
}

/** The key of a witness. Throws `statement.bad_key`, `log.bad_note`. */
export function witnessKey(name: string, did: Did): NoteKey {
  return noteKey(name, 'cosignature', keyOf(did, 'ed25519'));
}

/** The text form `name+hash+base64(type ‖ key)`. */
export function formatVkey({ name, type, key, id }: NoteKey): string {
  const hex = Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${name}+${hex}+${base64.encode(Uint8Array.of(typeByte[type], ...key))}`;
}

/** The inverse of {@link formatVkey}. Throws `log.bad_note` for anything else. */
export function parseVkey(text: string): NoteKey {
  const match = /^([^+]{1,256})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]{44})$/.exec(text);
  if (!match) throw fail('log.bad_note', 'not a verifier key');
  const bytes = decodeBase64(match[3]!);
  const type = (Object.keys(typeByte) as NoteKeyType[]).find((t) => typeByte[t] === bytes[0]);
  if (!type || bytes.length !== 33) throw fail('log.bad_note', 'verifier key of an unknown type');
  const key = noteKey(match[1]!, type, bytes.slice(1));
  // The hash in the text is redundant; a wrong one means that name and key do not belong together.
  if (formatVkey(key) !== text) throw fail('log.bad_note', 'verifier key with a wrong hash');
  return key;
}

/** Key names are not empty and have no space, plus sign or control character (C2SP signed-note). */
export function isKeyName(name: string): boolean {
  return name.length <= 256 && name.isWellFormed() && /^[^\s+\u0000-\u001f\u007f]+$/.test(name);
}

/** Canonical base64 with padding. Throws `log.bad_note`. */
export function decodeBase64(text: string): Uint8Array {
  try {
    const bytes = base64.decode(text);
    if (base64.encode(bytes) === text) return bytes;
  } catch (cause) {
    throw fail('log.bad_note', 'not base64', cause);
  }
  throw fail('log.bad_note', 'base64 is not canonical');
}

function noteKey(name: string, type: NoteKeyType, key: Uint8Array): NoteKey {
  if (!isKeyName(name)) throw fail('log.bad_note', 'not a key name');
  const id = crypto.sha256(new TextEncoder().encode(`${name}\n`), Uint8Array.of(typeByte[type]), key).slice(0, 4);
  return Object.freeze({ name, type, did: encodeDid('ed25519', key), key, id });
}
