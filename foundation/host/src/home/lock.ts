import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { fail } from '@caponier/protocol';

/**
 * Makes the file, which SQLite would make readable for others. One that is there is not opened: whoever closes a file ends
 * all locks that its process has on it, and a process that asks for its own lock a second time would lose it without a word.
 */
function make(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

export interface Lock {
  release(): void;
}

/**
 * Takes a lock that ends with the process, however it ends: SQLite's lock on an empty database file is the kernel's
 * advisory lock, which Node itself does not offer. A file with a process number in it would outlive a SIGKILL, and the
 * number may by then be another process. Throws `host.locked` where somebody has it, this process included.
 */
export function takeLock(path: string): Lock {
  make(path);
  const file = new DatabaseSync(path, { timeout: 0 });
  try {
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    file.close();
    throw fail('host.locked', path, error);
  }
  return { release: () => file.isOpen && file.close() };
}
