import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { firstMinute } from '../journeys/1-first-minute.ts';
import { Stage } from '../journeys/stage.ts';
import { ambientNames, nodeOnlyNames } from './ambient.ts';
import { browserGraph } from './browser-graph.ts';

/** The packages as they leave the repository: packed, and installed into an empty folder outside of it. */

const root = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);
/** Seconds of machine time from `up` to a prompt on a second home. */
const firstMinuteSeconds = 60;

const foundation = ['crypto', 'protocol', 'session', 'tlog', 'policy', 'verify'];
const isomorphic = [...foundation, 'sdk'];

let folder: string;
let names: string[];
let app: string;

interface Published {
  name: string;
  exports: Record<string, { types: string; default: string }>;
}

async function manifestOf(name: string): Promise<Published> {
  return JSON.parse(await readFile(join(folder, 'build/packages', name, 'package.json'), 'utf8'));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'packed-'));
  await run(process.execPath, [join(root, 'scripts/build.ts'), '--pack', '--out', join(folder, 'build')], {
    cwd: root,
  });
  names = await readdir(join(folder, 'build/packages'));
  app = join(folder, 'app');
  await mkdir(app);
  await writeFile(join(app, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const tarballs = (await readdir(join(folder, 'build/tarballs'))).map((file) => join(folder, 'build/tarballs', file));
  // No install scripts: a package that needed one would not run for whoever turned them off.
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', ...flags, ...tarballs], { cwd: app });
}, 240_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

test('one tarball a package, with built code and types only', async () => {
  expect(names).toHaveLength(21);
  for (const name of names) {
    const files = await readdir(join(folder, 'build/packages', name), { recursive: true });
    expect(files.filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'))).toEqual([]);
    expect(files).toContain('LICENSE');
  }
});

test('the command brings the units that docs/operations.md copies from it', async () => {
  const text = await readFile(join(root, 'docs/operations.md'), 'utf8');
  const copied = [...text.matchAll(/npm root --global\)\/(\S+?)"/g)].map(([, path]) => path!);
  expect(copied.length).toBeGreaterThan(1);
  for (const path of copied) expect(await readFile(join(app, 'node_modules', path), 'utf8')).toContain('[Service]');
});

test('publint finds nothing to say', async () => {
  for (const file of await readdir(join(folder, 'build/tarballs'))) {
    const { buffer: tarball } = new Uint8Array(await readFile(join(folder, 'build/tarballs', file)));
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    expect(messages.map((message) => `${file}: ${formatMessage(message, pkg)}`)).toEqual([]);
  }
});

test('every entry of every package loads under this Node', async () => {
  const entries: string[] = [];
  for (const name of names) {
    const manifest = await manifestOf(name);
    for (const entry of Object.keys(manifest.exports)) entries.push(`${manifest.name}${entry.slice(1)}`);
  }
  const script = `for (const entry of ${JSON.stringify(entries)}) console.log(entry, Object.keys(await import(entry)).length)`;
  await writeFile(join(app, 'load.mjs'), script);
  const { stdout, stderr } = await run(process.execPath, ['load.mjs'], { cwd: app });
  expect(stderr).toBe('');
  const lines = stdout.trim().split('\n');
  expect(lines).toHaveLength(entries.length);
  for (const line of lines) expect(line).not.toMatch(/ 0$/);
});

test('types resolve for whoever uses them, with the strictest settings', async () => {
  const consumer = `
import { crypto, Secret } from '@caponier/crypto';
import { seedSigner, sign, type Verified, verifyStatement } from '@caponier/protocol';
import { OwnerView } from '@caponier/verify';
import * as sdk from '@caponier/sdk';
import { createTransport } from '@caponier/sdk/net';

const signer = seedSigner(Secret.from(new Uint8Array(32)));
const view: OwnerView | null = null;
export const made: Promise<Verified<'freeze'>> = sign(signer, 'freeze', {
  aud: 'A'.repeat(43), what: 'all', target: null, iat: 0, nonce: 'A'.repeat(22),
}).then((jws) => verifyStatement(jws, 'freeze'));
export const used = [crypto.backend, view, sdk, createTransport];
// @ts-expect-error: a payload is no verified statement
export const forged: Verified<'freeze'> = { kind: 'freeze' };
`;
  await writeFile(join(app, 'consumer.mts'), consumer);
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--noUncheckedIndexedAccess'];
  const target = ['--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,dom', '--types', 'node'];
  const types = ['--typeRoots', join(root, 'node_modules/@types'), '--skipLibCheck'];
  const tsc = join(root, 'node_modules/.bin/tsc');
  await run(tsc, [...flags, ...target, ...types, 'consumer.mts'], { cwd: app }).catch((error) =>
    expect.fail(error.stdout),
  );
}, 120_000);

describe('in a browser', () => {
  test.each(isomorphic)('%s reaches no module of Node', async (name) => {
    const { exports } = await manifestOf(name);
    const entries = Object.keys(exports)
      // The one entry that is for Node by name.
      .filter((entry) => entry !== './node')
      .map((entry) => `@caponier/${name}${entry.slice(1)}`);
    const { files, builtins } = await browserGraph(app, entries);
    expect(builtins).toEqual([]);
    const ours = files.filter((file) => file.startsWith(join(app, 'node_modules/@caponier/')));
    expect(ours.length).toBeGreaterThan(0);
    for (const file of ours) expect(nodeOnlyNames(file, await readFile(file, 'utf8')), file).toEqual([]);
  });

  test.each(foundation)('%s takes clock, randomness and network as arguments', async (name) => {
    const dist = join(app, 'node_modules/@caponier', name, 'dist');
    for (const file of (await readdir(dist, { recursive: true })).filter((path) => path.endsWith('.js')))
      expect(ambientNames(file, await readFile(join(dist, file), 'utf8')), file).toEqual([]);
  });

  test('the walk sees a module of Node where there is one', async () => {
    const { builtins } = await browserGraph(app, ['@caponier/crypto/node']);
    expect(builtins.join()).toContain('node:crypto');
    const code = 'const a = Buffer.from(""); process.exit(); const b = { process: 1 }.process; b.Buffer;';
    expect(nodeOnlyNames('x.js', code)).toEqual(['Buffer', 'process']);
    const now = 'Date.now(); new Date(); new Date(5); Math.random(); const f = { fetch: 1 }; f.fetch; fetch(f);';
    expect(ambientNames('x.js', now)).toEqual(['Date.now', 'Math.random', 'fetch', 'new Date()']);
  });

  test('the built page has none either', async () => {
    const assets = join(app, 'node_modules/@caponier/web/assets');
    const scripts = (await readdir(assets, { recursive: true })).filter((file) => file.endsWith('.js'));
    expect(scripts.length).toBeGreaterThan(0);
    for (const script of scripts) {
      const code = await readFile(join(assets, script), 'utf8');
      expect(code).not.toMatch(/["'`]node:[a-z]/);
      expect(code).not.toContain('__vite-browser-external');
    }
  });
});

describe('the command line', () => {
  const binary = () => [process.execPath, join(app, 'node_modules/.bin/caponier')];

  test('--help and --version, from the installed binary', async () => {
    const [node = '', bin = ''] = binary();
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect((await run(node, [bin, '--version'])).stdout.trim()).toBe(version);
    expect((await run(node, [bin, '--help'])).stdout).toMatch(/Usage: caponier <command>/);
  });

  test('the first minute: from nothing to a prompt on a second home', async () => {
    const stage = new Stage(() => {}, binary());
    const begin = performance.now();
    try {
      await firstMinute(stage);
    } finally {
      const seconds = (performance.now() - begin) / 1000;
      console.log(`from packed packages: first minute in ${seconds.toFixed(1)} s`);
      await stage.close();
      expect(seconds).toBeLessThan(firstMinuteSeconds);
    }
  }, 150_000);
});
