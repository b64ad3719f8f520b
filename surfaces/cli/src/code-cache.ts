import { lstatSync, mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Bits by which others could put code there. */
const OTHERS_WRITE = 0o022;

/**
 * Keeps compiled code in the user's cache folder: `up` starts a dozen processes from the same files.
 *
 * Threat: whoever writes that folder runs code as us. Measure: it is used only where it is this user's and nobody else may
 * write to it. What remains: this user's own programs, who could change this program itself.
 */
export function useCodeCache(): void {
  try {
    const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'caponier');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const stats = lstatSync(folder);
    const ours = process.getuid === undefined || stats.uid === process.getuid();
    if (stats.isDirectory() && ours && (stats.mode & OTHERS_WRITE) === 0) enableCompileCache(folder);
  } catch {
    // Without it everything starts slower and works the same.
  }
}
