import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where Debian keeps servers; not on the PATH of an ordinary user. */
const serverFolders = process.platform === 'linux' ? ['/usr/local/sbin', '/usr/sbin'] : [];

/** Where a program lies on the PATH (or among a system's servers), or undefined. */
export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...serverFolders]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** What vitest's `it` has of interest here, so that this module needs no vitest. */
interface It<Test> {
  skip: Test;
}

/**
 * `it` where an optional engine is there. Where it is not: a skip that says so, or, when `CAPONIER_REQUIRE_ENGINES=1`
 * demands every engine, the test itself, which then fails.
 *
 * ```ts
 * const itWithStrace = whereEngine(it, 'strace', straceWorks());
 * itWithStrace('syncs before it answers', async () => { … });
 * ```
 */
export function whereEngine<Test extends (name: string, run: () => unknown, timeout?: number) => unknown>(
  it: Test & It<Test>,
  engine: string,
  present: boolean,
): (name: string, run: () => unknown, timeout?: number) => void {
  if (present) return (name, run, timeout) => void it(name, run, timeout);
  if (process.env.CAPONIER_REQUIRE_ENGINES === '1') {
    return (name) =>
      void it(name, () => {
        throw new Error(`${engine} is required and not installed`);
      });
  }
  return (name, run) => void it.skip(`${name} (skipped: ${engine} is not installed)`, run);
}
