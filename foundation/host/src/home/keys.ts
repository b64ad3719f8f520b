import { type Random, Secret } from '@caponier/crypto';
import { fail, type Signer, seedSigner } from '@caponier/protocol';
import type { Home } from './home.ts';

const KEY_BYTES = 32;

/**
 * The 32 secret bytes in the file `name`, made on first use. Two processes that make it at the same time get the same.
 * Throws `crypto.bad_key_file` for a file of another length, `host.loose_permissions`.
 */
export function loadOrCreateKey(home: Home, name: string, random: Random): Secret {
  const known = home.read(name);
  if (known) {
    if (known.length !== KEY_BYTES) throw fail('crypto.bad_key_file', name);
    return Secret.from(known);
  }
  const made = random(KEY_BYTES);
  if (home.create(name, made)) return Secret.from(made);
  return loadOrCreateKey(home, name, random);
}

/** An Ed25519 signer whose seed is the file `name`, made on first use. */
export function fileSigner(home: Home, name: string, random: Random): Signer {
  return seedSigner(loadOrCreateKey(home, name, random));
}
