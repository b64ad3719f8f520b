import { createHash, createHmac, hash as hashOnce, hkdfSync } from 'node:crypto';
import type { HashName } from '../types.ts';
import { plain } from './view.ts';

const opensslNames: Readonly<Record<HashName, string>> = {
  SHA256: 'sha256',
  SHA512: 'sha512',
  BLAKE2b: 'blake2b512',
  BLAKE2s: 'blake2s256',
};

export function hash(name: HashName, ...parts: Uint8Array[]): Uint8Array {
  // One call into OpenSSL instead of three, for the usual case.
  if (parts.length === 1) return plain(hashOnce(opensslNames[name], parts[0]!, 'buffer'));
  const state = createHash(opensslNames[name]);
  for (const part of parts) state.update(part);
  return plain(state.digest());
}

export function sha256(...parts: Uint8Array[]): Uint8Array {
  return parts.length === 1 ? plain(hashOnce('sha256', parts[0]!, 'buffer')) : hash('SHA256', ...parts);
}

export function hmac(name: HashName, key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const state = createHmac(opensslNames[name], key);
  for (const part of parts) state.update(part);
  return plain(state.digest());
}

export function hkdf(
  name: HashName,
  inputKey: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return new Uint8Array(hkdfSync(opensslNames[name], inputKey, salt, info, length));
}
