import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fail } from '@caponier/protocol';
import { createAtomic, syncFolder, writeAtomic } from './atomic.ts';
import { type Lock, takeLock } from './lock.ts';
import { refuseLoose } from './permissions.ts';

/** Bytes of one file that a home gives back; state that grows belongs into a database. */
export const MAX_HOME_FILE = 16 * 1024 * 1024;

/** One path component: no separators, no leading dot, so that no name leaves its folder. */
const namePattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/**
 * A folder of state that only its user can enter (0700; its files 0600). Names are single components. Every file is
 * written whole and durably, or not at all. What others could read is refused with `host.loose_permissions`, not
 * repaired: whoever read it, has read it.
 */
export interface Home {
  readonly path: string;
  /** The path of a name below, for what opens its own files (databases, sockets). */
  file(name: string): string;
  /** The bytes, or undefined where there is none. */
  read(name: string): Uint8Array | undefined;
  /** Replaces a file. */
  write(name: string, bytes: Uint8Array): void;
  /** Makes a file; false where it is there already. */
  create(name: string, bytes: Uint8Array): boolean;
  remove(name: string): void;
  /** Names of files and folders, sorted, without half-written ones. */
  list(): string[];
  /** A folder below, made where missing. */
  folder(name: string): Home;
  /** Throws `host.locked` while another process, or this one, holds the same name. Ends with the process. */
  lock(name: string): Lock;
}

/** `CAPONIER_HOME`, or `~/.caponier`. */
export function homePath(env: Readonly<Record<string, string | undefined>>): string {
  return resolve(env.CAPONIER_HOME || join(homedir(), '.caponier'));
}

function enter(path: string): void {
  const made = mkdirSync(path, { recursive: true, mode: 0o700 });
  if (made !== undefined) {
    // The mask of the process may have taken bits away, never added any; the parents are not ours to judge.
    chmodSync(path, 0o700);
    syncFolder(join(path, '..'));
  }
  const stats = lstatSync(path);
  if (!stats.isDirectory()) throw fail('host.bad_config', `${path} is not a folder`);
  refuseLoose(path, stats);
}

/** Opens the state folder, making it where missing. Throws `host.loose_permissions`, `host.bad_config`. */
export function openHome(path: string): Home {
  enter(path);
  const file = (name: string) => {
    if (!namePattern.test(name)) throw fail('host.bad_config', 'not a name in a home');
    return join(path, name);
  };
  return {
    path,
    file,
    read(name) {
      const handle = openExisting(file(name));
      if (handle === undefined) return undefined;
      try {
        const stats = fstatSync(handle);
        refuseLoose(file(name), stats);
        if (stats.size > MAX_HOME_FILE) throw fail('store.full', name);
        return new Uint8Array(readFileSync(handle));
      } finally {
        closeSync(handle);
      }
    },
    write: (name, bytes) => writeAtomic(file(name), bytes),
    create: (name, bytes) => createAtomic(file(name), bytes),
    remove(name) {
      rmSync(file(name), { force: true, recursive: true });
      syncFolder(path);
    },
    list: () =>
      readdirSync(path)
        .filter((name) => namePattern.test(name) && !name.endsWith('.tmp'))
        .sort(),
    folder: (name) => openHome(file(name)),
    lock: (name) => takeLock(file(`${name}.lock`)),
  };
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
