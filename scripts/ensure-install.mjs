// Plain JavaScript: it runs under whatever Node (>= 20) started npm, before the repository's own Node 24 is there.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lock = `${root}package-lock.json`;
/** npm writes this file after a complete install, so it is the mark of one. */
const mark = `${root}node_modules/.package-lock.json`;

function isCurrent() {
  return existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs;
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
  console.error('Installing dependencies from package-lock.json (once) ...');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Install scripts stay off: every native part we use ships prebuilt, and an install script is code that nobody read.
  const run = spawnSync(npm, ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, npm_config_engine_strict: 'false' },
    shell: process.platform === 'win32',
  });
  if (run.status !== 0) fail('npm ci did not succeed', 'see its message above');
  if (!existsSync(mark)) fail('npm ci left no node_modules', 'run npm ci by hand');
  const now = new Date();
  utimesSync(mark, now, now);
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
