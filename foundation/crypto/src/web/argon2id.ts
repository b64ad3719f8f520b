import { argon2id as noble } from '@noble/hashes/argon2.js';
import { Secret } from '../secret.ts';
import type { Argon2Cost } from '../types.ts';

export function argon2id(password: Uint8Array, salt: Uint8Array, cost: Argon2Cost, length: number): Secret {
  return Secret.from(
    noble(password, salt, { m: cost.memoryKib, t: cost.passes, p: cost.lanes, dkLen: length, version: 0x13 }),
  );
}
