import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHome } from '@caponier/host';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readEnding, requestsMs } from '../src/services/ending.ts';
import { Child } from '../src/up/child.ts';

const of = (drain: string, stop?: string) =>
  readEnding({ env: { CAPONIER_DRAIN_SECONDS: drain, ...(stop !== undefined && { CAPONIER_STOP_SECONDS: stop }) } });

describe('how long an end takes', () => {
  test.each(['0', '1', '30', '600'])(
    'a drain of %s s and requests under way fit before it is taken for hung',
    (drain) => {
      const { drainMs, endMs } = of(drain);
      expect(drainMs).toBe(Number(drain) * 1000);
      expect(endMs).toBeGreaterThan(drainMs + requestsMs);
    },
  );

  test('is refused where somebody would cut it short, with what to change', () => {
    expect(() => of('31', '45')).toThrow(/host\.bad_config: --drain-seconds 31 needs 46 seconds.*TimeoutStopSec/);
    expect(() => of('0', '14')).toThrow(/host\.bad_config/);
    expect(of('30', '45').drainMs).toBe(30_000);
    expect(() => of('601')).toThrow(/host\.bad_config/);
  });
});

describe('a process that is asked to end', () => {
  let room: string;
  const before = process.argv[1]!;
  beforeEach(() => {
    room = mkdtempSync(join(tmpdir(), 'caponier-child-'));
  });
  afterEach(() => {
    process.argv[1] = before;
    rmSync(room, { recursive: true });
  });

  /** A program that drains for so long; whether it came to its end. */
  async function drained(ms: number, endMs: number): Promise<boolean> {
    const program = join(room, 'program.mjs');
    const done = join(room, 'done');
    writeFileSync(
      program,
      `import { writeFileSync } from 'node:fs';
       process.on('SIGTERM', () => setTimeout(() => { writeFileSync(${JSON.stringify(done)}, ''); process.exit(0); }, ${ms}));
       setInterval(() => {}, 1000);
       process.send({ ready: 'relay', url: 'http://127.0.0.1:1' });`,
    );
    process.argv[1] = program;
    const ready = Promise.withResolvers<void>();
    const children: Child[] = [];
    const changed = () => {
      if (children[0]?.state.state === 'ready') ready.resolve();
    };
    const options = {
      home: openHome(join(room, 'home')),
      name: 'relay',
      args: [],
      endMs,
      changed,
      log: 'file' as const,
    };
    const child = new Child(options);
    children.push(child);
    await ready.promise;
    await child.stop();
    expect(child.state).toMatchObject({ state: 'stopped', pid: null });
    return existsSync(done);
  }

  test('has the time that its drain takes', async () => {
    expect(await drained(500, of('1').endMs)).toBe(true);
  });

  test('and is ended by force after that', async () => {
    expect(await drained(600_000, 200)).toBe(false);
  });
});
