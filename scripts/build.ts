/**
 * Builds the packages as they are published: JavaScript with types under `build/packages/<name>`, and with `--pack` a
 * tarball of each under `build/tarballs`. In the repository packages run from source; only what leaves it is built.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'build');

interface Manifest {
  name: string;
  private?: boolean;
  exports: Record<string, string>;
  imports?: Record<string, Record<string, string>>;
  bin?: Record<string, string>;
  files?: string[];
  [member: string]: unknown;
}

function run(command: string, args: string[], cwd = root): void {
  const { status } = spawnSync(join(root, 'node_modules/.bin', command), args, {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) {
    console.error(`error: ${command} failed\nhint: see its messages above`);
    process.exit(1);
  }
}

const built = (path: string) => path.replace('./src/', './dist/').replace(/\.tsx?$/, '.js');
const typed = (path: string) => path.replace('./src/', './dist/').replace(/\.tsx?$/, '.d.ts');
const mapValues = <A, B>(record: Record<string, A>, change: (value: A) => B) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

/** The manifest as published: sources become built files. */
function published(manifest: Manifest): Manifest {
  return {
    ...manifest,
    files: ['dist', ...(manifest.files ?? [])],
    exports: mapValues(manifest.exports, (path) => ({ types: typed(path), default: built(path) })) as never,
    ...(manifest.imports ? { imports: mapValues(manifest.imports, (targets) => mapValues(targets, built)) } : {}),
    ...(manifest.bin ? { bin: mapValues(manifest.bin, built) } : {}),
  };
}

/** Every workspace that is published, as a folder below the root. */
export function packageFolders(): string[] {
  return globSync('{foundation,domains,surfaces}/*/package.json', { cwd: root }).map(dirname).sort();
}

function buildPackage(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
  const target = join(out, 'packages', manifest.name.replace('@caponier/', ''));
  mkdirSync(target, { recursive: true });
  cpSync(join(out, 'out', folder, 'src'), join(target, 'dist'), { recursive: true });
  for (const extra of manifest.files ?? []) cpSync(join(root, folder, extra), join(target, extra), { recursive: true });
  for (const text of ['LICENSE', ...(manifest.bin ? ['README.md'] : [])]) {
    if (existsSync(join(root, text))) cpSync(join(root, text), join(target, text));
  }
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`);
  return target;
}

rmSync(out, { recursive: true, force: true });
if (existsSync(join(root, 'surfaces/web/vite.config.ts')))
  run('vite', ['build', '--logLevel', 'warn'], join(root, 'surfaces/web'));
run('tsc', ['-p', 'tsconfig.build.json']);
const targets = packageFolders().map(buildPackage);
if (process.argv.includes('--pack')) {
  mkdirSync(join(out, 'tarballs'));
  const npm = spawnSync(
    'npm',
    ['pack', '--silent', '--ignore-scripts', '--pack-destination', join(out, 'tarballs'), ...targets],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  if (npm.status !== 0) process.exit(1);
}
console.log(`built ${targets.length} packages in build/packages`);
