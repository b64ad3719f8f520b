import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

/** `scripts/ensure-install.mjs` in a repository of its own, with an npm that only notes that it was called. */

const script = fileURLToPath(new URL('../scripts/ensure-install.mjs', import.meta.url));
let folder: string;

const lock = {
  '': { name: 'x' },
  'foundation/a': { version: '1.0.0' },
  'node_modules/@x/a': { link: true },
  'node_modules/b': { version: '1.2.3' },
  'node_modules/for-another-platform': { version: '1.0.0', optional: true },
};
const { 'node_modules/for-another-platform': _absent, '': _root, ...installed } = lock;

function write(path: string, packages: object): void {
  writeFileSync(join(folder, path), JSON.stringify({ packages }));
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'install-'));
  for (const path of ['scripts', 'bin', 'node_modules/.bin']) mkdirSync(join(folder, path), { recursive: true });
  cpSync(script, join(folder, 'scripts/ensure-install.mjs'));
  symlinkSync(process.execPath, join(folder, 'node_modules/.bin/node'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ engines: { node: '>=20' } }));
  write('package-lock.json', lock);
  write('node_modules/.package-lock.json', installed);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs it with an npm that ends with `code`, after `command`. */
function ensure(command = 'true', code = 0) {
  const npm = join(folder, 'bin/npm');
  writeFileSync(npm, `#!/bin/sh\necho "$@" > called\n{ ${command}; } || exit 9\nexit ${code}\n`);
  chmodSync(npm, 0o755);
  const env = { ...process.env, PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}` };
  const { status, stderr } = spawnSync(process.execPath, ['scripts/ensure-install.mjs'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  return { status, stderr, called: existsSync(join(folder, 'called')) };
}

test('nothing happens where all is installed, whatever the dates of the files', () => {
  write('package-lock.json', lock);
  expect(ensure()).toEqual({ status: 0, stderr: '', called: false });
});

test.each([
  ['nothing is', undefined],
  ['a package is missing', { 'node_modules/@x/a': { link: true } }],
  ['a package has another version', { ...installed, 'node_modules/b': { version: '1.2.2' } }],
  ['a workspace is no link', { ...installed, 'node_modules/@x/a': { version: '1.0.0' } }],
  [
    'an optional package has another version',
    { ...installed, 'node_modules/for-another-platform': { version: '2.0.0' } },
  ],
])('npm ci runs without install scripts where %s installed', (_what, packages) => {
  if (packages) write('node_modules/.package-lock.json', packages);
  else rmSync(join(folder, 'node_modules/.package-lock.json'));
  writeFileSync(join(folder, 'right.json'), JSON.stringify({ packages: installed }));
  const { status, stderr, called } = ensure(
    'cp right.json node_modules/.package-lock.json && grep -q -- "^ci --ignore-scripts" called',
  );
  expect({ status, called }).toEqual({ status: 0, called: true });
  expect(stderr).toMatch(/^Installing dependencies/);
});

test('an install that fails, or leaves something out, ends with an error and a hint', () => {
  rmSync(join(folder, 'node_modules/.package-lock.json'));
  for (const { status, stderr } of [ensure('true', 1), ensure()]) {
    expect(status).toBe(1);
    expect(stderr).toMatch(/\nerror: .+\nhint: .+\n$/);
  }
});
