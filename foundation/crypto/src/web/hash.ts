import { blake2b, blake2s } from '@noble/hashes/blake2.js';
import { hkdf as nobleHkdf } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256, sha512 } from '@noble/hashes/sha2.js';
import type { HashName } from '../types.ts';

const functions = { SHA256: sha256, SHA512: sha512, BLAKE2b: blake2b, BLAKE2s: blake2s } as const;

export function hash(name: HashName, ...parts: Uint8Array[]): Uint8Array {
  const state = functions[name].create();
  for (const part of parts) state.update(part);
  return state.digest();
}

export function hmac(name: HashName, key: Uint8Array, ...parts: Uint8Array[]): Uint8Array {
  const state = nobleHmac.create(functions[name], key);
  for (const part of parts) state.update(part);
  return state.digest();
}

export function hkdf(
  name: HashName,
  inputKey: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return nobleHkdf(functions[name], inputKey, salt, info, length);
}
