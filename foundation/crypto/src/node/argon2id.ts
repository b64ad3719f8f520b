import * as openssl from 'node:crypto';
import { Secret } from '../secret.ts';
import type { Argon2Cost } from '../types.ts';
import { plain } from './view.ts';

export function opensslArgon2id(password: Uint8Array, salt: Uint8Array, cost: Argon2Cost, length: number): Secret {
  const tag = openssl.argon2Sync('argon2id', {
    message: password,
    nonce: salt,
    memory: cost.memoryKib,
    passes: cost.passes,
    parallelism: cost.lanes,
    tagLength: length,
  });
  return Secret.from(plain(tag));
}

/** argon2 came with OpenSSL 3.2 and Node 24.7; a Node built against an older OpenSSL does not have it. */
export function hasOpensslArgon2id(): boolean {
  try {
    return opensslArgon2id(new Uint8Array(1), new Uint8Array(8), { memoryKib: 8, passes: 1, lanes: 1 }, 4).length === 4;
  } catch {
    return false;
  }
}
