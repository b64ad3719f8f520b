/**
 * Builds the packages as they are published: JavaScript with types under `build/packages/<name>`, and with `--pack` a
 * tarball of each under `build/tarballs`. In the repository packages run from source; only what leaves it is built.
 *
 * `--out <folder>` builds there instead of `build`.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { pack: { type: 'boolean', default: false }, out: { type: 'string', default: 'build' } },
});
const out = resolve(root, values.out);

interface Manifest {
  name: string;
  private?: boolean;
  exports: Record<string, string>;
  imports?: Record<string, Record<string, string>>;
  bin?: Record<string, string>;
  files?: string[];
  devDependencies?: Record<string, string>;
  [member: string]: unknown;
}

function run(command: string, args: string[], cwd = root): void {
  const { status } = spawnSync(command, args, { cwd, stdio: ['ignore', process.stderr, process.stderr] });
  if (status !== 0) {
    console.error(`error: ${command} failed\nhint: see its messages above`);
    process.exit(1);
  }
}

const own = (command: string) => join(root, 'node_modules/.bin', command);
const built = (path: string) => path.replace('./src/', './dist/').replace(/\.tsx?$/, '.js');
const typed = (path: string) => path.replace('./src/', './dist/').replace(/\.tsx?$/, '.d.ts');
const mapValues = <A, B>(record: Record<string, A>, change: (value: A) => B) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

/** The manifest as published: sources become built files, and what only tests need is left out. */
function published({ devDependencies: _tests, ...manifest }: Manifest): Manifest {
  return {
    ...manifest,
    files: ['dist', ...(manifest.files ?? [])],
    exports: mapValues(manifest.exports, (path) => ({ types: typed(path), default: built(path) })) as never,
    ...(manifest.imports ? { imports: mapValues(manifest.imports, (targets) => mapValues(targets, built)) } : {}),
    ...(manifest.bin ? { bin: mapValues(manifest.bin, built) } : {}),
  };
}

/** Every workspace that is published, as a folder below the root. */
function packageFolders(): string[] {
  return globSync('{foundation,domains,surfaces}/*/package.json', { cwd: root }).map(dirname).sort();
}

function buildPackage(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
  const target = join(out, 'packages', manifest.name.replace('@caponier/', ''));
  mkdirSync(target, { recursive: true });
  cpSync(join(out, 'out', folder, 'src'), join(target, 'dist'), { recursive: true });
  if (manifest.files?.includes('assets')) cpSync(join(out, 'page'), join(target, 'assets'), { recursive: true });
  // Whoever installs has no checkout. The Dockerfile is for one: it builds from it.
  if (manifest.files?.includes('deploy')) {
    const filter = (path: string) => !path.includes('Dockerfile');
    cpSync(join(root, 'deploy'), join(target, 'deploy'), { recursive: true, filter });
  }
  for (const text of ['LICENSE', ...(manifest.bin ? ['README.md'] : [])]) {
    if (existsSync(join(root, text))) cpSync(join(root, text), join(target, text));
  }
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`);
  return target;
}

function pack(targets: string[]): void {
  const tarballs = join(out, 'tarballs');
  mkdirSync(tarballs);
  run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', tarballs, ...targets]);
}

for (const part of ['out', 'packages', 'page', 'tarballs']) rmSync(join(out, part), { recursive: true, force: true });
const page = ['--outDir', join(out, 'page'), '--emptyOutDir', '--logLevel', 'warn'];
run(own('vite'), ['build', ...page], join(root, 'surfaces/web'));
run(own('tsc'), ['-p', 'tsconfig.build.json', '--outDir', join(out, 'out')]);
const targets = packageFolders().map(buildPackage);
if (values.pack) pack(targets);
console.log(`built ${targets.length} packages in ${values.out}/packages`);
