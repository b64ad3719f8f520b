import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fail } from '@caponier/protocol/errors';

/** How long one statement waits for another process's lock (a backup, for instance), in milliseconds. */
const BUSY_TIMEOUT = 5_000;

/** Pages of the log (4 KiB each) at which the writer copies the rest itself: rarer than SQLite's 1,000, since its batch waits. */
const CHECKPOINT_PAGES = 16_000;

/** Bytes the log file may keep after a checkpoint. */
const LOG_BYTES_KEPT = 64 * 1024 * 1024;

const PAGE_SIZE = 4_096;

/** Makes the file with mode 0600 (log and index files copy it) and its folder durable, before SQLite would make it 0644. */
function createFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, 'a', 0o600));
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function pragma(connection: DatabaseSync, name: string): unknown {
  return Object.values(connection.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

/** Sets a pragma and reads it back: a setting that did not take would break the promise silently. */
function require(connection: DatabaseSync, name: string, value: string, reads: string | number): void {
  connection.exec(`PRAGMA ${name} = ${value}`);
  const actual = pragma(connection, name);
  if (actual !== reads) throw fail('store.not_durable', `${name} is ${actual}`);
}

/** The one connection that writes. `maxBytes` bounds the file; a write above it is `store.full`. */
export function openWriter(path: string, maxBytes: number): DatabaseSync {
  createFile(path);
  const connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: true });
  try {
    require(connection, 'journal_mode', 'wal', 'wal');
    require(connection, 'synchronous', 'full', 2);
    // macOS: fsync alone does not reach the platter there.
    require(connection, 'fullfsync', 'on', 1);
    require(connection, 'checkpoint_fullfsync', 'on', 1);
    // Deleted secrets and mail are overwritten in the file. What remains: copies in the log until its next checkpoint.
    require(connection, 'secure_delete', 'on', 1);
    require(connection, 'temp_store', 'memory', 2);
    require(connection, 'trusted_schema', 'off', 0);
    connection.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    connection.exec(`PRAGMA journal_size_limit = ${LOG_BYTES_KEPT}`);
    connection.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / PAGE_SIZE))}`);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** For reads: cannot write, whatever an operation tries. */
export function openReader(path: string): DatabaseSync {
  return new DatabaseSync(path, { timeout: BUSY_TIMEOUT, readOnly: true });
}

/** Copies the log into the file, as durably as the writer does. */
export function openCheckpointer(path: string): DatabaseSync {
  const connection = new DatabaseSync(path, { timeout: BUSY_TIMEOUT });
  try {
    require(connection, 'synchronous', 'full', 2);
    require(connection, 'checkpoint_fullfsync', 'on', 1);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
