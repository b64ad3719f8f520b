import { spawn } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openHome } from '@caponier/host';
import { afterAll, expect, test } from 'vitest';
import { readProcesses } from '../src/up/processes.ts';

/** A home from `up` to `down`, as a person has it: real processes on loopback. Each test goes on where the last one ended. */

const bin = fileURLToPath(new URL('../src/bin.ts', import.meta.url));
const room = mkdtempSync(join(tmpdir(), 'caponier-up-'));
const home = join(room, 'laptop');
const root = process.getuid?.() === 0 ? ['--allow-root'] : [];

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function caponier(args: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(process.execPath, [bin, ...args], { env: { ...process.env, CAPONIER_HOME: home }, cwd: room });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

async function json<T>(...args: string[]): Promise<T> {
  const { code, out, err } = await caponier([...args, '--json']);
  expect(code, `${args.join(' ')}\n${out}${err}`).toBe(0);
  return JSON.parse(out) as T;
}

interface Status {
  readonly relay: string | null;
  readonly running: boolean;
  readonly warnings: string[];
  readonly services: { role: string; class: string | null; pid: number | null; ok: boolean | null; restarts: number }[];
}

afterAll(async () => {
  await caponier(['down']);
  rmSync(room, { recursive: true, force: true });
}, 60_000);

test('up makes an owner and starts everything; nothing is asked', { timeout: 90_000 }, async () => {
  const { code, out, err } = await caponier(['up', '--host', '127.0.0.1', '--json', ...root]);
  expect(code, out + err).toBe(0);
  const made = JSON.parse(out) as { owner: string; connected: boolean; device: { name: string }; services: unknown[] };
  expect(made).toMatchObject({ connected: true, device: { name: 'laptop', role: 'controller' } });
  expect(made.services).toHaveLength(9);
  const status = await json<Status>('status');
  expect(status).toMatchObject({ relay: 'connected', running: true });
  expect(status.services.every(({ ok, pid }) => ok && pid !== null)).toBe(true);
  expect(status.warnings.join('\n')).toContain('thief of this machine is the owner');
});

test('everything that it keeps is for its user alone', () => {
  const walk = (folder: string): string[] =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? [path, ...walk(path)] : [path];
    });
  for (const path of [home, ...walk(home)]) expect(lstatSync(path).mode & 0o077, path).toBe(0);
});

test('doctor finds nothing wrong', { timeout: 30_000 }, async () => {
  const { ok, checks } = await json<{ ok: boolean; checks: { name: string; ok: boolean }[] }>('doctor');
  expect(checks.filter((check) => !check.ok)).toEqual([]);
  expect(ok).toBe(true);
});

test('a service that is killed comes back, and a second up leaves the rest alone', { timeout: 90_000 }, async () => {
  const vaultOf = ({ services }: Status) => services.find((service) => service.class === 'secret')!;
  const before = await json<Status>('status');
  process.kill(vaultOf(before).pid!, 'SIGKILL');
  const again = await caponier(['up', ...root]);
  expect(again.code, again.err).toBe(0);
  const after = await json<Status>('status');
  expect(vaultOf(after)).toMatchObject({ ok: true, restarts: 1 });
  expect(vaultOf(after).pid).not.toBe(vaultOf(before).pid);
  const others = (status: Status) => status.services.filter((service) => service.class !== 'secret');
  expect(others(after)).toEqual(others(before));
});

test('an owner key under a passphrase signs with it, and not without', { timeout: 60_000 }, async () => {
  const words = 'correct horse';
  expect((await caponier(['root', 'passphrase'], `${words}\n`)).code).toBe(0);
  const add = ['grant', 'add', '--op', 'memory.get', '--resource', 'notes/*'];
  const wrong = await caponier(add, 'wrong horse\n');
  expect(wrong.code).not.toBe(0);
  expect(wrong.err).toContain('crypto.decrypt_failed');
  expect((await caponier(add, `${words}\n`)).code).toBe(0);
  const { grants } = await json<{ grants: { ops: string[] }[] }>('grant', 'list');
  expect(grants.map(({ ops }) => ops[0])).toEqual(['secret.put', 'memory.get']);
});

test('up on a home that has its owner takes no other address or name', { timeout: 30_000 }, async () => {
  const { code, err } = await caponier(['up', '--name', 'other', ...root]);
  expect(code).toBe(2);
  expect(err).toContain('this one has its owner');
});

test('down ends everything, and says when there is nothing to end', { timeout: 60_000 }, async () => {
  const { services } = await json<Status>('status');
  expect(await json('down')).toEqual({ stopped: true });
  for (const { pid } of services) expect(() => process.kill(pid!, 0)).toThrow();
  expect(await json('down')).toEqual({ stopped: false });
  const status = await caponier(['send', 'laptop', 'hello']);
  expect(status.code).toBe(4);
  expect(status.err).toContain('cli.no_daemon');
});

test('up in the foreground says what its services say, and keeps no log of them', { timeout: 90_000 }, async () => {
  const size = () => statSync(join(home, 'logs', 'relay.log')).size;
  const before = size();
  const child = spawn(process.execPath, [bin, 'up', '--foreground', '--json', ...root], {
    env: { ...process.env, CAPONIER_HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => (said += text));
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stateOf = (name: string) => readProcesses(openHome(home))?.processes.find((one) => one.name === name)?.state;
  await expect.poll(() => stateOf('relay'), { timeout: 60_000 }).toBe('ready');
  // Whether or not the rest is up by now: it ends, and not as a failure.
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  for (const event of ['open', 'closed']) {
    expect(said).toMatch(new RegExp(`"service":"relay".*"event":"listener\\.${event}"`));
  }
  expect(size()).toBe(before);
});
