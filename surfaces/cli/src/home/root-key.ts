import { openKeyFile, passphraseFromText, type Random, Secret, sealKeyFile } from '@caponier/crypto';
import type { Home } from '@caponier/host';
import { fail, type Signer, seedSigner } from '@caponier/protocol';
import { readSecret } from '../terminal/input.ts';

/** The owner's everyday key: 32 bytes, or a key file under a passphrase. */
const rootFile = 'root.key';
/** A key that becomes the root's once the chain says so. */
const nextRootFile = 'root.next.key';
const seedBytes = 32;
/** An environment variable for the passphrase would be read by every child: it is typed, or piped by whoever automates. */
const question = 'Passphrase of the owner key';

const keysOf = (home: Home) => home.folder('keys');

export function hasRoot(home: Home): boolean {
  return keysOf(home).list().includes(rootFile);
}

export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length !== seedBytes;
}

/**
 * The root for one signature: read, used, wiped; nothing is cached and the daemon never sees it. Throws
 * `cli.no_root`, `crypto.bad_key_file`, `crypto.decrypt_failed`.
 */
export async function withRoot<T>(home: Home, use: (signer: Signer) => Promise<T>): Promise<T> {
  const bytes = keysOf(home).read(rootFile);
  if (!bytes) throw fail('cli.no_root');
  const seed = isSealed(bytes)
    ? openKeyFile(bytes, passphraseFromText(await readSecret(question)))
    : Secret.from(bytes);
  try {
    return await use(seedSigner(seed));
  } finally {
    seed.wipe();
  }
}

/** Throws `owner.conflict` where there is one already. */
export function writeRoot(home: Home, seed: Secret): void {
  if (!keysOf(home).create(rootFile, seed.expose())) throw fail('owner.conflict', 'there is an owner key here');
}

/** Puts a new root beside the old one: before it is published, so that it cannot be lost in between. */
export function prepareRoot(home: Home, random: Random): Secret {
  const keys = keysOf(home);
  const seed = Secret.from(random(seedBytes));
  keys.write(nextRootFile, seed.expose());
  return seed;
}

/** The chain names the prepared root: it takes the old one's place. */
export function adoptRoot(home: Home): void {
  const keys = keysOf(home);
  const bytes = keys.read(nextRootFile);
  if (!bytes) throw fail('cli.no_root', 'no prepared root');
  keys.write(rootFile, bytes);
  keys.remove(nextRootFile);
}

/** Seals the root under a passphrase, or takes the passphrase away with an empty one. */
export async function sealRoot(home: Home, passphrase: string, random: Random): Promise<void> {
  const keys = keysOf(home);
  const bytes = keys.read(rootFile);
  if (!bytes) throw fail('cli.no_root');
  const seed = isSealed(bytes)
    ? openKeyFile(bytes, passphraseFromText(await readSecret(question)))
    : Secret.from(bytes);
  const kept = passphrase === '' ? seed.expose() : sealKeyFile(seed, passphraseFromText(passphrase), random);
  keys.write(rootFile, kept);
  seed.wipe();
}
