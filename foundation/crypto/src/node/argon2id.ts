import { argon2Sync } from 'node:crypto';
import { Secret } from '../secret.ts';
import type { Argon2Cost } from '../types.ts';
import { plain } from './view.ts';

export function argon2id(password: Uint8Array, salt: Uint8Array, cost: Argon2Cost, length: number): Secret {
  const tag = argon2Sync('argon2id', {
    message: password,
    nonce: salt,
    memory: cost.memoryKib,
    passes: cost.passes,
    parallelism: cost.lanes,
    tagLength: length,
  });
  return Secret.from(plain(tag));
}
