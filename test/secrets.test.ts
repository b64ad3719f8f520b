import { execFileSync, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { findSecrets } from '../scripts/check-secrets.ts';
import { allowed } from '../scripts/secrets-allowed.ts';

/** The secret scan of `npm run check` bites. What is planted is made here, so that this file holds none. */

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'caponier-secrets-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const git = (...words: string[]) => execFileSync('git', ['-C', folder, ...words], { stdio: 'pipe' });

const letters = (length: number, of = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789') =>
  Array.from({ length }, (_, i) => of[(i * 7 + length) % of.length]).join('');
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
const { privateKey } = generateKeyPairSync('ed25519');

const planted: readonly (readonly [what: string, text: string, type: string])[] = [
  ['a private key in PEM', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 'credential.private_key'],
  [
    'an Ed25519 key in bare base64',
    privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    'credential.private_key',
  ],
  [
    'an AWS id without its secret',
    `AKIA${letters(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}`,
    'credential.aws_access_key_id',
  ],
  ['a JWT', `${part({ alg: 'HS256' })}.${part({ sub: 'somebody' })}.${letters(43)}`, 'credential.jwt'],
  ['a GitHub token', `ghp_${letters(36)}`, 'credential.github_token'],
  ['an npm token', `npm_${letters(36)}`, 'credential.npm_access_token'],
  ['a Slack token', `xoxb-${letters(12, '0123456789')}-${letters(24)}`, 'credential.slack_token'],
];

describe('a secret in a commit', () => {
  git('init', '-q');
  mkdirSync(join(folder, 'deep'));
  planted.forEach(([, text], i) => {
    writeFileSync(join(folder, `deep/${i}.txt`), `first line\nconst it = '${text}';\n`);
  });
  writeFileSync(join(folder, '.gitignore'), 'ignored.txt\n');
  writeFileSync(join(folder, 'ignored.txt'), planted[0]![1]);
  writeFileSync(
    join(folder, 'statement.txt'),
    `${part({ alg: 'Ed25519', typ: 'stmt1.hello+jws' })}.${letters(40)}.${letters(86)}`,
  );
  git('add', 'deep/0.txt', 'deep/1.txt');

  test.each(planted.map(([what, , type], i) => [what, type, i] as const))('is found: %s', async (_, type, i) => {
    const leaks = await findSecrets(folder);
    expect(leaks.filter(({ path }) => path === `deep/${i}.txt`)).toContainEqual({
      path: `deep/${i}.txt`,
      line: 2,
      type,
    });
  });

  test('is all that is found: not what is ignored, not a statement', async () => {
    const paths = new Set((await findSecrets(folder)).map(({ path }) => path));
    expect([...paths]).toEqual(planted.map((_, i) => `deep/${i}.txt`));
  });

  test('fails the check, which does not repeat it', () => {
    const run = spawnSync(process.execPath, [join(root, 'scripts/check-secrets.ts'), folder], { encoding: 'utf8' });
    expect(run.status).toBe(1);
    expect(run.stderr).toContain('deep/4.txt:2: credential.github_token');
    for (const [, text] of planted) expect(run.stderr + run.stdout).not.toContain(text.trim().split('\n')[0]);
  });
});

test('the repository holds what the list of fixtures names, and nothing else', async () => {
  const begin = process.cpuUsage();
  const leaks = await findSecrets(root);
  expect(process.cpuUsage(begin).user / 1_000).toBeLessThan(10_000);
  const found = [...new Set(leaks.map(({ path, type }) => `${path} ${type}`))].sort();
  expect(found).toEqual(allowed.flatMap(({ path, types }) => types.map((type) => `${path} ${type}`)).sort());
  for (const { reason } of allowed) expect(reason.length).toBeGreaterThan(10);
});

test('npm run check runs it', () => {
  const { scripts } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  expect(scripts.check).toContain('npm run -s check:secrets');
  expect(scripts['check:secrets']).toBe('node scripts/check-secrets.ts');
});
