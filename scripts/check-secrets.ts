import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials } from '../domains/classify/src/detect/credentials.ts';
import { keys } from '../domains/classify/src/detect/keys.ts';
import { allowed } from './secrets-allowed.ts';

/**
 * Looks for secrets in everything that git would take: a key in a commit is a key that is out. Says what and where, never
 * the secret itself. `node scripts/check-secrets.ts [folder]`
 */

/** A secret that should not be there. */
export interface Leak {
  readonly path: string;
  readonly line: number;
  readonly type: string;
}

/** Kinds that are told by their form alone. `password = …` in code is mostly the name of a variable. */
const certain = new Set([
  'credential.private_key',
  'credential.age_key',
  'credential.aws_access_key_id',
  'credential.jwt',
]);

/** A statement is a JWS that everybody may see: its header says so. */
function isStatement(jws: string): boolean {
  const header = JSON.parse(Buffer.from(jws.split('.')[0]!, 'base64url').toString()) as { typ?: unknown };
  return typeof header.typ === 'string' && header.typ.startsWith('stmt1.');
}

/** What is tracked, and what is neither tracked nor ignored: it would be with the next commit. */
function filesIn(folder: string): string[] {
  try {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 64 * 1024 * 1024,
    });
    return [...new Set(listed.split('\0'))].filter((path) => path !== '').sort();
  } catch {
    // No checkout: an unpacked archive.
    return globSync('**/*', { cwd: folder, exclude: ['**/node_modules/**', '**/dist/**', 'build/**'] }).sort();
  }
}

function textOf(path: string): string | null {
  const entry = statSync(path, { throwIfNoEntry: false });
  return entry?.isFile() ? readFileSync(path, 'latin1') : null;
}

async function leaksOf(path: string, text: string): Promise<Leak[]> {
  const byForm = keys(text).filter(
    ({ type, from, to }) => certain.has(type) && !(type === 'credential.jwt' && isStatement(text.slice(from, to))),
  );
  const found = [...(await credentials(text)), ...byForm];
  const seen = new Set<string>();
  return found
    .map(({ type, from }) => ({ path, line: text.slice(0, from).split('\n').length, type }))
    .filter(({ line, type }) => {
      const key = `${line} ${type}`;
      return !seen.has(key) && seen.add(key);
    })
    .sort((a, b) => a.line - b.line);
}

export async function findSecrets(folder: string): Promise<Leak[]> {
  const leaks: Leak[] = [];
  for (const path of filesIn(folder)) {
    const text = textOf(join(folder, path));
    if (text !== null) leaks.push(...(await leaksOf(path, text)));
  }
  return leaks;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const own = fileURLToPath(new URL('..', import.meta.url));
  const folder = process.argv[2] ?? own;
  const known = folder === own ? allowed : [];
  const leaks = await findSecrets(folder);
  const isKnown = ({ path, type }: Leak) => known.some((entry) => entry.path === path && entry.types.includes(type));
  const open = leaks.filter((leak) => !isKnown(leak));
  for (const { path, line, type } of open) console.error(`${path}:${line}: ${type}`);
  const stale = known.flatMap(({ path, types }) =>
    types
      .filter((type) => !leaks.some((leak) => leak.path === path && leak.type === type))
      .map((type) => `${path}: ${type}`),
  );
  for (const entry of stale) console.error(`${entry} is allowed in scripts/secrets-allowed.ts, and is not there`);
  if (open.length > 0)
    console.error('error: secrets\nhint: take them out and revoke them; a fixture goes on the list with a reason');
  if (open.length + stale.length > 0) process.exitCode = 1;
}
