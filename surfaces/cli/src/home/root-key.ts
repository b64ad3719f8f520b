import { openKeyFile, passphraseFromText, type Random, Secret, sealKeyFile } from '@caponier/crypto';
import type { Home } from '@caponier/host/home';
import { fail, type Signer, seedSigner } from '@caponier/protocol';
import { readPassphrase } from '../terminal/input.ts';

/** The owner's everyday key: 32 bytes, or a key file under a passphrase. */
const rootFile = 'root.key';
/** A key that becomes the root's once the chain says so. */
const nextRootFile = 'root.next.key';
const seedBytes = 32;

const keysOf = (home: Home) => home.folder('keys');

export function hasRoot(home: Home): boolean {
  return keysOf(home).list().includes(rootFile);
}

/** Throws `cli.no_root`, `crypto.bad_key_file`, `crypto.decrypt_failed`. */
async function openRoot(home: Home): Promise<Secret> {
  const bytes = keysOf(home).read(rootFile);
  if (!bytes) throw fail('cli.no_root');
  if (bytes.length === seedBytes) return Secret.from(bytes);
  return openKeyFile(bytes, passphraseFromText(await readPassphrase('Passphrase of the owner key')));
}

/** The root for one signature: read, used, wiped; nothing is cached and the daemon never sees it. Throws as `openRoot`. */
export async function withRoot<T>(home: Home, use: (signer: Signer) => Promise<T>): Promise<T> {
  const seed = await openRoot(home);
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

/**
 * Seals the root under a passphrase, or takes the passphrase away with an empty one; the old one is asked for first. Yields
 * whether it is sealed now.
 */
export async function sealRoot(home: Home, ask: () => Promise<string>, random: Random): Promise<boolean> {
  const seed = await openRoot(home);
  try {
    const passphrase = await ask();
    const open = passphrase === '';
    keysOf(home).write(rootFile, open ? seed.expose() : sealKeyFile(seed, passphraseFromText(passphrase), random));
    return !open;
  } finally {
    seed.wipe();
  }
}
