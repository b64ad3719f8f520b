import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { relayLimits } from '@caponier/relay';
import { afterAll, describe, expect, test } from 'vitest';
import { createMetrics, listenerLimits, serveMetrics } from '../foundation/host/src/index.ts';
import { findProgram, whereEngine } from '../lab/testkit/src/index.ts';
import { readEnding } from '../surfaces/cli/src/services/ending.ts';

/** What deploy/ ships is copied into places where nobody tests it again. */

const deploy = fileURLToPath(new URL('../deploy', import.meta.url));
const read = (name: string) => readFileSync(join(deploy, name), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'caponier-deploy-'));
afterAll(() => rmSync(folder, { recursive: true }));

const withSystemd = whereEngine(test, 'systemd-analyze', findProgram('systemd-analyze') !== undefined);
const units = readdirSync(deploy).filter((name) => name.endsWith('.service'));
/** Directives of a unit, without comments. */
const directives = (unit: string) =>
  read(unit)
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line))
    .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]);

describe.each(units)('%s', (unit) => {
  const set = new Map(directives(unit));

  test('runs as nobody in particular, with nothing it does not need', () => {
    expect(set.get('User')).toBe('caponier');
    expect(set.get('CapabilityBoundingSet')).toBe('');
    expect(set.get('StateDirectoryMode')).toBe('0700');
    expect(set.get('ProtectSystem')).toBe('strict');
    for (const yes of ['NoNewPrivileges', 'PrivateTmp', 'PrivateDevices', 'ProtectHome', 'RestrictNamespaces']) {
      expect(set.get(yes), yes).toBe('yes');
    }
    expect(Number(set.get('LimitNOFILE'))).toBeGreaterThan(2 * relayLimits.connections);
    expect(set.get('MemoryMax')).toMatch(/^\d+G$/);
    expect(set.get('RestartPreventExitStatus')).toBe('2');
    // A supervisor tells its children itself: a signal to all of them would be their second, which cuts what they finish.
    expect(set.get('KillMode')).toBe('mixed');
    // Where npm puts programs depends on how Node was installed.
    expect(set.get('ExecStart')).toMatch(/^caponier /);
  });

  test('is given the time that it needs to end, and is told how much that is', () => {
    const stop = Number(set.get('TimeoutStopSec'));
    const said = directives(unit).filter(
      ([key, value]) => key === 'Environment' && /^CAPONIER_STOP_SECONDS=/.test(value),
    );
    expect(said).toEqual([['Environment', `CAPONIER_STOP_SECONDS=${stop}`]]);
    const env = { CAPONIER_STOP_SECONDS: String(stop) };
    expect(readEnding({ env }).endMs).toBeLessThan(stop * 1000);
    // As its comment says.
    expect(readEnding({ env: { ...env, CAPONIER_DRAIN_SECONDS: '30' } }).endMs).toBeLessThan(stop * 1000);
    expect(() => readEnding({ env: { ...env, CAPONIER_DRAIN_SECONDS: '31' } })).toThrow('TimeoutStopSec');
  });

  test('takes its settings from the file that the page for operators names', () => {
    const page = readFileSync(join(deploy, '../docs/operations.md'), 'utf8');
    const files = [...page.matchAll(/\/etc\/caponier\/[\w.-]+/g)].map(([file]) => file);
    expect(new Set(files).size).toBe(1);
    // A file that is not there is no fault: nothing but defaults, then.
    expect(set.get('EnvironmentFile')).toBe(`-${files[0]}`);
  });

  test('has no way in that the other unit does not have', () => {
    const differs = /^(Description|ExecStart|TasksMax|MemoryMax|MemoryHigh)$/;
    const shared = (name: string) => directives(name).filter(([key]) => !differs.test(key));
    for (const other of units) expect(shared(other)).toEqual(shared(unit));
  });

  withSystemd('is understood by systemd, which finds little to say against it', () => {
    const path = join(folder, unit);
    // systemd asks whether the program is there.
    writeFileSync(path, read(unit).replace('ExecStart=caponier', 'ExecStart=true'));
    const verified = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
    expect([verified.status, verified.stderr]).toEqual([0, '']);
    const judged = spawnSync('systemd-analyze', ['security', '--offline=true', '--threshold=15', path], {
      encoding: 'utf8',
    });
    expect(judged.status, judged.stdout.split('\n').slice(-3).join('\n')).toBe(0);
  });
});

describe('Dockerfile', () => {
  const text = read('Dockerfile').replace(/\\\n/g, ' ');
  const steps = text
    .split('\n')
    .filter((line) => /^[A-Z]/.test(line.trim()))
    .map((line) => line.trim().split(/\s+(.*)/s) as [string, string]);
  const of = (word: string) => steps.filter(([name]) => name === word).map(([, rest]) => rest);

  test('knows only words of a Dockerfile, in an order that makes sense', () => {
    const words = [
      'FROM',
      'WORKDIR',
      'COPY',
      'RUN',
      'ENV',
      'USER',
      'VOLUME',
      'EXPOSE',
      'HEALTHCHECK',
      'STOPSIGNAL',
      'ENTRYPOINT',
    ];
    for (const [word] of steps) expect(words).toContain(word);
    expect(steps[0]![0]).toBe('FROM');
    expect(steps.at(-1)![0]).toBe('ENTRYPOINT');
    const stages = of('FROM').map((from) => / AS (\w+)$/.exec(from)?.[1]);
    for (const copy of of('COPY')) {
      const [, stage] = /^--from=(\w+)/.exec(copy) ?? [];
      if (stage) expect(stages).toContain(stage);
    }
  });

  test('has a base of one version in all stages, and says how to pin it', () => {
    const bases = new Set(of('FROM').map((from) => from.split(' ')[0]));
    expect([...bases]).toEqual([expect.stringMatching(/^node:24-[a-z-]+$/)]);
    expect(read('Dockerfile')).toContain('@sha256:');
  });

  test('ends as a user without rights, and runs no script of a dependency', () => {
    const last = steps.map(([word]) => word).lastIndexOf('FROM');
    const final = steps.slice(last);
    expect(final.find(([word]) => word === 'USER')?.[1]).toBe('10001:10001');
    expect(final.filter(([word]) => word === 'RUN').join(' ')).not.toContain('npm');
    for (const run of of('RUN')) {
      for (const [command] of run.matchAll(/npm (?:ci|install)[^&]*/g)) expect(command).toContain('--ignore-scripts');
    }
    expect(JSON.parse(of('ENTRYPOINT')[0]!)).toEqual(['caponier', 'relay']);
  });

  test('takes packages from the lock and from nowhere else', () => {
    const words = of('RUN').flatMap((run) =>
      [...run.matchAll(/\b(?:npx|(?:npm|pnpm|yarn) +\S+)/g)].map(([word]) => word),
    );
    expect(words.length).toBeGreaterThan(0);
    for (const word of words) expect(word).toBe('npm ci');
  });

  test('its health check says no until a relay answers', async () => {
    const [, command = ''] = /CMD (\[.*\])$/.exec(of('HEALTHCHECK')[0]!) ?? [];
    const [program, ...args] = JSON.parse(command) as string[];
    const check = () => spawnCheck(program!, args);
    expect(await check()).toBe(1);
    mkdirSync(join(folder, 'run'));
    const listener = await serveMetrics(createMetrics({ service: 'relay', version: '0' }), {
      path: join(folder, 'run', 'relay.sock'),
    });
    expect(await check()).toBe(0);
    await listener.close();
  });
});

/** Not `spawnSync`: what it asks is answered by this process. */
async function spawnCheck(program: string, args: string[]): Promise<number | null> {
  const { spawn } = await import('node:child_process');
  const child = spawn(program, args, { env: { ...process.env, CAPONIER_HOME: folder }, stdio: 'ignore' });
  return new Promise((resolve) => child.once('exit', resolve));
}

/** What runs behind them is in proxies.test.ts, on other numbers of the same proportion; here are the shipped ones. */
describe('proxies', () => {
  test('nginx waits for longer than the relay is silent', () => {
    const waits = [...read('nginx.conf').matchAll(/proxy_(?:read|send)_timeout\s+(\d+)s;/g)];
    expect(waits).toHaveLength(2);
    for (const [, seconds] of waits) expect(Number(seconds) * 1000).toBeGreaterThan(relayLimits.silentMs);
  });

  test('nginx has room for twice the connections of a relay', () => {
    const [, connections] = /worker_connections (\d+);/.exec(read('nginx.conf')) ?? [];
    const [, files] = /worker_rlimit_nofile (\d+);/.exec(read('nginx.conf')) ?? [];
    expect(Number(connections)).toBeGreaterThan(2 * relayLimits.connections);
    expect(Number(files)).toBeGreaterThan(Number(connections));
  });

  test('both give slow headers no more time than the relay', () => {
    const relay = listenerLimits.find(({ name }) => name === 'headerSeconds')!.default;
    expect(read('nginx.conf')).toContain(`client_header_timeout ${relay}s;`);
    expect(read('Caddyfile')).toContain(`read_header ${relay}s\n`);
  });
});
