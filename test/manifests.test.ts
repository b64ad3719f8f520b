import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

interface Manifest {
  version: string;
  engines: { node: string };
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
}

const read = <T>(path: string): T => JSON.parse(readFileSync(`${root}${path}`, 'utf8')) as T;
const manifests = ['package.json', ...globSync('{foundation,domains,surfaces,lab}/*/package.json', { cwd: root })];
const { packages } = read<{
  packages: Record<
    string,
    { optionalDependencies?: Record<string, string>; integrity?: string; link?: boolean; hasInstallScript?: boolean }
  >;
}>('package-lock.json');

test('every dependency has an exact version', () => {
  for (const path of manifests) {
    const { dependencies, devDependencies, optionalDependencies } = read<Manifest>(path);
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }))
      expect(version, `${name} in ${path}`).toMatch(/^\d+\.\d+\.\d+$/);
  }
});

test('all packages have one version, and the change log tells of it', () => {
  const { version } = read<Manifest>('package.json');
  for (const path of manifests) expect(read<Manifest>(path).version, path).toBe(version);
  expect(readFileSync(`${root}CHANGELOG.md`, 'utf8')).toContain(`## ${version}`);
});

test('the lock file serves every platform, and every package in it has its hash', () => {
  // An install on one machine leaves out what is for others; `npm ci` then fails everywhere.
  for (const [path, { optionalDependencies, integrity, link }] of Object.entries(packages)) {
    for (const name of Object.keys(optionalDependencies ?? {})) {
      const found = `${path}/node_modules/${name}` in packages || `node_modules/${name}` in packages;
      expect(found, `${name} of ${path}`).toBe(true);
    }
    if (path.includes('node_modules/') && !link) expect(integrity, path).toMatch(/^sha512-/);
  }
});

test('no package runs a script when it is installed, and the install would not let it', () => {
  const scripted = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript);
  expect(scripted.map(([path]) => path)).toEqual([]);
  expect(readFileSync(`${root}scripts/ensure-install.mjs`, 'utf8')).toContain("['ci', '--ignore-scripts',");
});

test('the repository brings its own Node for every platform', () => {
  const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win-x64'];
  const names = Object.keys(read<Manifest>('package.json').optionalDependencies ?? {});
  for (const platform of platforms)
    expect(
      names.some((name) => name.endsWith(platform)),
      platform,
    ).toBe(true);
});
