// Plain JavaScript: it runs under whatever Node (>= 20) started npm, before the repository's own Node 24 is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lock = `${root}package-lock.json`;
/** npm writes this file after a complete install: what is installed, in the form of the lock file. */
const mark = `${root}node_modules/.package-lock.json`;

const packagesOf = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

/**
 * Whether everything that the lock file names is installed in that version. By content, not by date: a checkout or a copy
 * changes dates, and a needless install under a running test would pull its modules away. Optional packages are those of
 * other platforms, too.
 */
function isCurrent() {
  if (!existsSync(mark)) return false;
  const installed = packagesOf(mark);
  return Object.entries(packagesOf(lock)).every(([path, { version, link, optional }]) => {
    if (path === '' || !path.includes('node_modules/')) return true;
    const there = installed[path];
    if (!there) return optional === true;
    return link === true ? there.link === true : there.version === version;
  });
}

function fail(what, hint) {
  console.error(`error: ${what}\nhint: ${hint}`);
  process.exit(1);
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(
    `Node ${process.versions.node} is too old`,
    'install any Node from 20 up; the repository brings its own Node 24',
  );
}

if (!isCurrent()) {
  console.error('Installing dependencies from package-lock.json (once, about a minute) ...');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Install scripts stay off: every native part we use ships prebuilt, and an install script is code that nobody read.
  const run = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, npm_config_engine_strict: 'false' },
    shell: process.platform === 'win32',
  });
  if (run.status !== 0) fail('npm ci did not succeed', 'see its message above');
  if (!isCurrent()) fail('npm ci left something out', 'run npm ci by hand and see its messages');
}

const own = spawnSync(`${root}node_modules/.bin/node`, ['--version'], {
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
const wanted = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).engines.node;
const version = (own.stdout ?? process.version).trim() || process.version;
if (Number(version.slice(1).split('.')[0]) < 24) {
  fail(`no Node ${wanted} for ${process.platform}-${process.arch}`, 'install Node 24 or newer yourself and run again');
}
