import { chmodSync, closeSync, existsSync, fsyncSync, lstatSync, openSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Home, homePath, openHome } from '@caponier/host/home';
import { fail } from '@caponier/protocol';
import { failureOf } from '@caponier/store';
import type { Run } from '../command.ts';
import { hereHome } from '../home/context.ts';
import { deploymentFile } from '../services/deployment.ts';

const databases = ['relay.sqlite', 'heads.sqlite'];
const keys = ['relay.key', 'relay-resume.key'];

/**
 * A whole copy of what the relay of this home needs: a folder of the same form as a home. The databases are copied by SQLite
 * in one transaction each, while the relay runs. What fails leaves nothing that looks like a backup. Throws
 * `host.bad_config`, `store.damaged`, `store.full`.
 */
export async function backUp({ args: [folder = ''], output }: Run): Promise<void> {
  const target = resolve(folder);
  if (!existsSync(join(homePath(process.env), 'data', 'relay', 'relay.sqlite'))) {
    throw fail('host.bad_config', 'no relay has run in this home');
  }
  if (existsSync(target)) throw fail('host.bad_config', `${target} is there already`);
  if (!existsSync(dirname(target))) throw fail('host.bad_config', `${dirname(target)} is not there`);
  const home = hereHome();
  const copy = openHome(target);
  let copied: string[];
  try {
    copied = copyAll(home, copy);
  } catch (error) {
    rmSync(target, { recursive: true, force: true });
    const { code, detail } = failureOf(error);
    throw code === 'host.internal' ? error : fail(code, detail, error);
  }
  output.document({ folder: target, files: copied });
  output.line(`The relay is copied to ${target}: ${copied.length} files.`);
  output.note('It holds the keys of the relay. What happened since is not in it.');
}

function copyAll(home: Home, copy: Home): string[] {
  const data = home.folder('data').folder('relay');
  const copied = [
    ...copyFiles(home, copy, [deploymentFile]),
    ...copyFiles(home.folder('keys'), copy.folder('keys'), keys),
    ...copyFiles(home.folder('tls'), copy.folder('tls'), home.folder('tls').list()),
  ];
  const copyData = copy.folder('data').folder('relay');
  for (const name of databases.filter((name) => existsSync(data.file(name)))) {
    copyDatabase(data.file(name), copyData.file(name));
    copied.push(name);
  }
  return copied;
}

/** Files that are there; whatever is a folder, or a lock, stays. */
function copyFiles(from: Home, to: Home, names: readonly string[]): string[] {
  const copied: string[] = [];
  for (const name of names) {
    const isFile = lstatSync(from.file(name), { throwIfNoEntry: false })?.isFile() ?? false;
    const bytes = isFile && !name.endsWith('.lock') ? from.read(name) : undefined;
    if (!bytes) continue;
    to.write(name, bytes);
    copied.push(name);
  }
  return copied;
}

function copyDatabase(from: string, to: string): void {
  const source = new DatabaseSync(from, { timeout: 10_000 });
  try {
    source.prepare('VACUUM INTO ?').run(to);
  } finally {
    source.close();
  }
  chmodSync(to, 0o600);
  const file = openSync(to, 'r');
  fsyncSync(file);
  closeSync(file);
  const written = new DatabaseSync(to, { readOnly: true });
  try {
    const { integrity_check: found } = written.prepare('PRAGMA integrity_check').get() as { integrity_check: string };
    if (found !== 'ok') throw fail('store.damaged', to);
  } finally {
    written.close();
  }
}
