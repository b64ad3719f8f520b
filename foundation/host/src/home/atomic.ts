import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemRandom } from '../clock.ts';

/** Makes the names in a folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function writeTemporary(path: string, bytes: Uint8Array): string {
  const temporary = `${path}.${Buffer.from(systemRandom(6)).toString('hex')}.tmp`;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return temporary;
}

/** Replaces a file, mode 0600: after a crash it holds the old bytes or the new ones, never a part; durable on return. */
export function writeAtomic(path: string, bytes: Uint8Array): void {
  const temporary = writeTemporary(path, bytes);
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(dirname(path));
}

/** Makes a file that is not there yet; false where it is, whoever was faster. Whole and durable on return. */
export function createAtomic(path: string, bytes: Uint8Array): boolean {
  const temporary = writeTemporary(path, bytes);
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  syncFolder(dirname(path));
  return true;
}
