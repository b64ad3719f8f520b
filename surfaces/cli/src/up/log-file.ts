import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';
import type { Home } from '@caponier/host/home';

/** Bytes of a log file at which it is set aside as `….log.1`; the one set aside before it is dropped. */
export const maxLogBytes = 16 * 1024 * 1024;

const newline = 10;

/** Path of a log of this home. */
const pathOf = (home: Home, name: string): string => home.folder('logs').file(`${name}.log`);

/** Opens a log file of this home for appending, for a process that says a few lines in its life. */
export function openLog(home: Home, name: string): number {
  const path = pathOf(home, name);
  const file = openSync(path, 'a', 0o600);
  if (fstatSync(file).size < maxLogBytes) return file;
  closeSync(file);
  renameSync(path, `${path}.1`);
  return openSync(path, 'a', 0o600);
}

/**
 * The log of one process of this home, written by its supervisor alone.
 *
 * Threat: strangers cause lines for as long as they like, and the file takes the disk from the databases beside it. Measure:
 * it is set aside while it is written, and one older is kept. A process that held the file itself would go on writing into
 * the one that was set aside, or would have to end for it; and what Node writes in a crash comes by no writer of ours.
 * Synchronous: one piece after another, and the last one before the end is there. What remains: lines for which a full disk
 * has no room are lost; the process they tell of goes on.
 */
export class LogFile {
  readonly #path: string;
  #file: number | null = null;
  #size = 0;
  /** Whether the next byte begins a line. */
  #fresh = true;

  constructor(home: Home, name: string) {
    this.#path = pathOf(home, name);
  }

  /** Appends what the process wrote. Never throws. */
  write(bytes: Uint8Array): void {
    try {
      this.#open();
      let rest = 0;
      if (this.#size + bytes.length > maxLogBytes) {
        // A line that has begun ends in the file where it began.
        rest = this.#fresh ? 0 : bytes.indexOf(newline) + 1;
        this.#append(bytes.subarray(0, rest));
        this.#setAside();
      }
      this.#append(bytes.subarray(rest));
    } catch {
      // Perhaps the next finds room, in a file that is opened anew.
      this.close();
    }
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  #open(): number {
    if (this.#file === null) {
      this.#file = openSync(this.#path, 'a', 0o600);
      this.#size = fstatSync(this.#file).size;
    }
    return this.#file;
  }

  #append(bytes: Uint8Array): void {
    const file = this.#open();
    for (let at = 0; at < bytes.length; ) {
      const written = writeSync(file, bytes, at);
      at += written;
      this.#size += written;
      this.#fresh = bytes[at - 1] === newline;
    }
  }

  #setAside(): void {
    this.close();
    renameSync(this.#path, `${this.#path}.1`);
    this.#fresh = true;
  }
}
