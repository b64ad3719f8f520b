import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { enableCompileCache, flushCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Bits by which others could put code there. */
const OTHERS_WRITE = 0o022;

let folder: string | null = null;

/**
 * Keeps compiled code in the user's cache folder: `up` starts a dozen processes from the same files.
 *
 * Threat: whoever writes that folder runs code as us. Measure: it is used only where it is this user's and nobody else may
 * write to it. What remains: this user's own programs, who could change this program itself.
 */
export function useCodeCache(): void {
  // Somebody chose one already, before we were loaded.
  folder = process.env.NODE_COMPILE_CACHE || null;
  if (folder !== null) return;
  try {
    const path = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'caponier');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const stats = lstatSync(path);
    const ours = process.getuid === undefined || stats.uid === process.getuid();
    if (!stats.isDirectory() || !ours || (stats.mode & OTHERS_WRITE) !== 0) return;
    enableCompileCache(path);
    folder = path;
  } catch {
    // Without it everything starts slower and works the same.
  }
}

/** The same cache for processes of ours, and for their threads. */
export function codeCacheEnv(): { NODE_COMPILE_CACHE?: string } {
  return folder === null ? {} : { NODE_COMPILE_CACHE: folder };
}

/**
 * Compiles once, in one process, what a dozen are about to load at the same time; each would do it for itself otherwise.
 * `version` names the code: what was compiled for another is no use.
 */
export async function fillCodeCache(version: string, load: () => Promise<unknown>): Promise<void> {
  if (folder === null) return;
  const stamp = join(folder, `filled-${version}-${process.versions.node}`);
  if (existsSync(stamp)) return;
  await load();
  flushCompileCache();
  try {
    writeFileSync(stamp, '', { mode: 0o600 });
  } catch {
    // Then it is tried again next time.
  }
}
