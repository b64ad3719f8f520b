import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome } from '@caponier/host';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Child } from '../src/up/child.ts';
import { LogFile, maxLogBytes } from '../src/up/log-file.ts';

/** What processes of a home write while nobody looks: bounded on disk, and nothing of it lost on the way. */

const room = mkdtempSync(join(tmpdir(), 'caponier-logs-'));
const home = openHome(join(room, 'home'));
const at = (name: string) => join(home.path, 'logs', name);
const program = process.argv[1]!;

/** A child runs "this program again": here a script that is written for the test. */
function runs(script: string): void {
  const path = join(room, 'program.mjs');
  writeFileSync(path, script);
  process.argv[1] = path;
}

beforeAll(() => {
  home.folder('logs');
});
afterAll(() => {
  process.argv[1] = program;
  rmSync(room, { recursive: true });
});

const options = (name: string) => ({ home, name, args: [], endMs: 5_000, changed: () => undefined });
const numbers = (text: string) => [...text.matchAll(/^line (\d+) x+$/gm)].map(([, n]) => Number(n));

describe('a process that writes more than a log may hold', () => {
  const lines = 2.5 * (maxLogBytes / 1_024);

  test('goes on, keeps one older file, loses no line between the two, and its last words are there', async () => {
    // Written as the log of a service is: each line at once, to the file descriptor. Then it ends as by a fault.
    runs(`
      import { writeSync } from 'node:fs';
      for (let n = 0; n < ${lines}; n++) writeSync(2, ('line ' + n + ' ').padEnd(1023, 'x') + '\\n');
      process.stdout.write('said on the other stream\\n');
      process.on('message', () => undefined);
      process.once('SIGTERM', () => { throw new Error('the last words'); });
      process.send({ ready: 'loud' });
    `);
    const child = new Child(options('loud'));
    await expect.poll(() => child.state.state, { timeout: 30_000 }).toBe('ready');
    const { pid } = child.state;
    await expect.poll(() => readFileSync(at('loud.log'), 'utf8')).toContain('said on the other stream');
    expect(child.state).toMatchObject({ pid, restarts: 0 });
    await child.stop();
    const [older, newer] = [readFileSync(at('loud.log.1'), 'utf8'), readFileSync(at('loud.log'), 'utf8')];
    for (const text of [older, newer]) expect(text.length).toBeLessThanOrEqual(maxLogBytes + 2_048);
    expect(existsSync(at('loud.log.2'))).toBe(false);
    for (const name of ['loud.log', 'loud.log.1']) expect(statSync(at(name)).mode & 0o777, name).toBe(0o600);
    // The first file of three is dropped; of the other two no line is missing, and none is in two pieces.
    const kept = [...numbers(older), ...numbers(newer)];
    expect(kept.length).toBeGreaterThan(maxLogBytes / 1_024);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => lines - kept.length + i));
    expect(newer).toContain('Error: the last words');
  });

  test('and is started again, goes on in the same file', async () => {
    runs(`
      process.stderr.write('started\\n');
      process.on('message', () => undefined);
      process.once('SIGTERM', () => process.exit());
      process.send({ ready: 'again' });
    `);
    const child = new Child(options('again'));
    await expect.poll(() => child.state.state, { timeout: 10_000 }).toBe('ready');
    process.kill(child.state.pid!, 'SIGKILL');
    await expect.poll(() => child.state, { timeout: 10_000 }).toMatchObject({ state: 'ready', restarts: 1 });
    await child.stop();
    expect(readFileSync(at('again.log'), 'utf8')).toBe('started\nstarted\n');
  });
});

describe('a log file', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);

  test('of before counts, and a line that has begun ends where it began', () => {
    writeFileSync(at('old.log'), '');
    truncateSync(at('old.log'), maxLogBytes - 5);
    const log = new LogFile(home, 'old');
    log.write(bytes('abc'));
    log.write(bytes('def\nghi'));
    log.write(bytes('jkl\n'));
    log.close();
    expect(readFileSync(at('old.log.1'), 'utf8').slice(maxLogBytes - 5)).toBe('abcdef\n');
    expect(readFileSync(at('old.log'), 'utf8')).toBe('ghijkl\n');
  });

  test('that cannot be written costs its lines, and nothing else; it goes on when it can', () => {
    const log = new LogFile(home, 'full');
    log.write(bytes('before\n'));
    log.close();
    rmSync(join(home.path, 'logs'), { recursive: true });
    log.write(bytes('lost\n'));
    home.folder('logs');
    log.write(bytes('after\n'));
    log.close();
    expect(readFileSync(at('full.log'), 'utf8')).toBe('after\n');
  });
});
