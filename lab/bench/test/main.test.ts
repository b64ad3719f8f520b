import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadSuite, suiteNames } from '../src/index.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const bench = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

test('every suite there is loads under its own name, and no other name does', async () => {
  expect(suiteNames()).toContain('crypto');
  for (const name of suiteNames()) expect(await loadSuite(name)).toMatchObject({ name, run: expect.any(Function) });
  for (const name of ['', 'nothing', '../suite', 'crypto.ts', './crypto'])
    expect(await loadSuite(name)).toBeUndefined();
});

test('an unknown suite or flag is a usage error that names the suites; help has an example', () => {
  for (const args of [
    [],
    ['nothing'],
    ['crypto', 'crypto'],
    ['crypto', '--nothing'],
    ['crypto', '--rounds', '0'],
    ['crypto', '--rounds=x'],
    ['relay', '--only', 'no-such-row'],
  ]) {
    const { status, stdout, stderr } = bench(...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: .+\nhint: .+\n$/);
  }
  const { status, stdout } = bench('--help');
  expect(status).toBe(0);
  expect(stdout).toMatch(/Example: .*crypto/);
});

test('--json prints one object of the promised shape, and nothing else', () => {
  const { status, stdout, stderr } = bench('crypto', '--json', '--rounds', '1');
  expect(status).toBe(0);
  expect(stderr).toBe('');
  const { suite, rows, ...rest } = JSON.parse(stdout);
  expect(suite).toBe('crypto');
  expect(rest).toEqual({});
  expect(rows.length).toBeGreaterThanOrEqual(13);
  for (const row of rows) {
    expect(Object.keys(row)).toEqual(['name', 'value', 'unit', 'baseline', 'ratio']);
    expect(row.value).toBeGreaterThan(0);
    expect(row.baseline).toBeGreaterThan(0);
    expect(row.ratio).toBeCloseTo(row.value / row.baseline, 2);
  }
});
