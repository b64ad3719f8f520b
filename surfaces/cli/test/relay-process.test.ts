import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { dirname, join } from 'node:path';
import { listenerHits, listenerLimits } from '@caponier/host';
import { relayCounters, relayLimitTable, relayTimings } from '@caponier/relay';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type RelayProcess, refusedRelay, relayHome, startRelay } from './relay-home.ts';
import { runHere } from './run-here.ts';

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const end = Date.now() + 20_000; ; await sleep(50)) {
    const found = await look();
    if (found) return found as NonNullable<T>;
    if (Date.now() > end) throw new Error('it did not come to hold');
  }
}

/** Rows of ours, without their values. */
const seriesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('caponier_'))
    .map((line) => line.replace(/ \S+$/, ''))
    .sort();
const countOf = (text: string, row: string) =>
  Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${row} `))
      ?.slice(row.length + 1) ?? Number.NaN,
  );

/** Runs a command here, in a home, and yields what it printed. */
async function run(home: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const before = process.env.CAPONIER_HOME;
  process.env.CAPONIER_HOME = home;
  try {
    return await runHere(args);
  } finally {
    if (before === undefined) delete process.env.CAPONIER_HOME;
    else process.env.CAPONIER_HOME = before;
  }
}

describe('a relay as a process', () => {
  const home = relayHome();
  const secret = 'a secret of thirty-two characters or more';
  const told: { body: string; signature: string }[] = [];
  let receiver: Server;
  let relay: RelayProcess;
  const metrics = async () => (await fetch(`http://127.0.0.1:${relay.metricsPort}/metrics`)).text();

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (part) => (body += part));
      request.on('end', () => {
        told.push({ body, signature: String(request.headers['caponier-signature']) });
        response.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const secretFile = join(home.path, 'webhook-secret');
    writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
    relay = await startRelay(home.path, [
      ...['--trust-proxy', '127.0.0.1', '--limit', 'contacts=77', '--max-body-bytes', '1048576'],
      ...['--alert-webhook', `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/alerts`],
      ...['--alert-webhook-secret-file', secretFile, '--alert-webhook-allow-loopback'],
    ]);
  });
  afterAll(async () => {
    relay.child.kill('SIGKILL');
    await relay.ended;
    receiver.closeAllConnections();
    receiver.close();
    home.remove();
  });

  test('says of every limit, code and outcome that it was 0 times, before anything happened', async () => {
    const text = await metrics();
    for (const limit of Object.keys(relayLimitTable)) {
      expect(countOf(text, `caponier_relay_limit_hits_total{limit="${limit}"}`), limit).toBe(0);
    }
    for (const [name, { label, values }] of Object.entries(relayCounters)) {
      for (const value of values) {
        expect(countOf(text, `caponier_relay_${name}_total{${label}="${value}"}`), `${name} ${value}`).toBe(0);
      }
    }
    for (const timing of Object.keys(relayTimings)) {
      expect(countOf(text, `caponier_relay_${timing}_seconds_count`), timing).toBe(0);
    }
    for (const limit of listenerHits) {
      expect(countOf(text, `caponier_listener_limit_hits_total{limit="${limit}"}`), limit).toBe(0);
    }
    expect(countOf(text, 'caponier_relay_connections_max')).toBe(10_000);
    expect(countOf(text, 'caponier_relay_mail_waiting')).toBe(0);
    expect(text).toContain('caponier_relay_admission{mode="open"} 1\n');
  });

  test('gets no row from anything that strangers do, and tells the operator of many refusals', async () => {
    // The rows of routes are there from the first request on, as all others.
    const before = seriesOf(await metrics());
    const { port } = relay;
    const knock = async (address: string, say: (ws: WebSocket) => void) => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: { 'x-forwarded-for': address } });
      ws.on('error', () => undefined);
      ws.on('message', () => say(ws));
      const timer = setTimeout(() => ws.terminate(), 3_000);
      await once(ws, 'close').catch(() => undefined);
      clearTimeout(timer);
    };
    for (let i = 0; i < 8; i++) {
      await Promise.all([
        knock(`198.51.100.${i}`, (ws) => ws.send('text')),
        knock(`2001:db8:${i}::1`, (ws) => ws.send(new Uint8Array(100).fill(i))),
        knock('not an address"} 1', (ws) => ws.send(new Uint8Array([1, 0, 0, 0, 0, 255, 255]))),
      ]);
    }
    // One address that does not stop.
    for (let i = 0; i < 40; i++) await knock('198.51.100.99', (ws) => ws.send('text'));
    for (const [method, path] of [
      ['PROPFIND', '/'],
      ['GET', '/%7B%22%7D?a="} 1'],
      ['OPTIONS', '*'],
      ['DELETE', '/healthz'],
      ['GET', `/${'x'.repeat(2_000)}`],
      ['M-SEARCH', '/readyz'],
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.end(`${method} ${path} HTTP/1.1\r\nHost: x\r\nUser-Agent: "} 1\r\nConnection: close\r\n\r\n`);
      socket.resume();
      await once(socket, 'close');
    }
    const text = await metrics();
    expect(seriesOf(text)).toEqual(before);
    const refused = relayCounters.connections_refused.values
      .map((code) => countOf(text, `caponier_relay_connections_refused_total{code="${code}"}`))
      .reduce((sum, n) => sum + n, 0);
    expect(refused).toBeGreaterThan(20);
    expect(countOf(text, 'caponier_http_requests_total{route="none",status="4xx"}')).toBeGreaterThan(0);

    const alert = await until(() => told.find(({ body }) => body.includes('"refusals"')));
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(alert.signature) ?? [];
    expect(createHmac('sha256', secret).update(`${t}.${alert.body}`).digest('hex')).toBe(v1);
    expect(JSON.parse(alert.body)).toMatchObject({ kind: 'refusals', service: 'relay' });
  });

  test('is described by `relay status`, on its socket and on its port', async () => {
    const { code, out } = await run(home.path, 'relay', 'status', '--json');
    expect(code).toBe(0);
    const status = JSON.parse(out);
    expect(status).toMatchObject({ admission: 'open', owners: { now: 0, most: 100_000 }, certificateEnds: null });
    expect(Object.values(status.refused as Record<string, number>).length).toBeGreaterThan(0);
    expect(status.alerts.refusals).toBeGreaterThan(0);
    const elsewhere = await run(
      join(home.path, 'none'),
      'relay',
      'status',
      '--metrics-port',
      String(relay.metricsPort),
    );
    expect(elsewhere.code).toBe(0);
    expect(elsewhere.out).toMatch(/connections +\d+ of 10 000\n/);
    expect((await run(join(home.path, 'none'), 'relay', 'status')).code).toBe(3);
  });

  test('says its own limits by `relay limits`, not those of whoever asks', async () => {
    interface Shown {
      readonly inForce: boolean;
      readonly limits: { name: string; of: string; value: number; default: number }[];
    }
    const shown = async (at: string, ...args: string[]) => {
      const { code, out, err } = await run(at, 'relay', 'limits', '--json', ...args);
      expect(code, err).toBe(0);
      const { inForce, limits } = JSON.parse(out) as Shown;
      return { inForce, limits, of: (name: string) => limits.find((limit) => limit.name === name)?.value };
    };
    vi.stubEnv('CAPONIER_RELAY_CONTACTS', '5');
    try {
      const none = join(home.path, 'none');
      const names = [...Object.keys(relayLimitTable), ...listenerLimits.map(({ name }) => name)];
      for (const running of [await shown(home.path), await shown(none, '--metrics-port', String(relay.metricsPort))]) {
        expect(running.limits.map(({ name }) => name)).toEqual(names);
        expect([running.inForce, running.of('contacts'), running.of('maxBodyBytes')]).toEqual([true, 77, 1_048_576]);
        for (const { name, value, default: normal } of running.limits) {
          if (!['contacts', 'maxBodyBytes'].includes(name)) expect(value, name).toBe(normal);
        }
      }
      for (const would of [await shown(none), await shown(home.path, '--limit', 'mailBurst=9')]) {
        expect([would.inForce, would.of('contacts'), would.of('maxBodyBytes')]).toEqual([false, 5, 2_097_152]);
      }
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('is copied while it runs, and the copy starts as the same relay', async () => {
    const folder = join(home.path, 'copy');
    expect((await run(home.path, 'relay', 'backup', folder)).code).toBe(0);
    expect((await run(home.path, 'relay', 'backup', folder)).code).toBe(2);
    const whole = readFileSync(join(folder, 'data/relay/relay.sqlite'));
    const damaged = join(home.path, 'damaged');
    await run(home.path, 'relay', 'backup', damaged);
    for (let at = 8_192; at < whole.length; at += 4_096) whole.fill(255, at, at + 64);
    writeFileSync(join(damaged, 'data/relay/relay.sqlite'), whole);
    // What is not whole does not stand there as if it were a backup.
    expect((await run(damaged, 'relay', 'backup', `${damaged}-copy`)).err).toContain('store.damaged');
    expect(existsSync(`${damaged}-copy`)).toBe(false);
    const none = join(home.path, 'nowhere');
    expect((await run(none, 'relay', 'backup', `${none}-copy`)).code).toBe(2);
    expect(existsSync(none)).toBe(false);
    const again = await startRelay(folder);
    const key = async (at: string) => (await run(at, 'relay', '--show-key', '--allow-root')).out;
    expect(await key(folder)).toBe(await key(home.path));
    again.child.kill('SIGTERM');
    expect(await again.ended).toBe(0);
  });
});

describe('a relay that is asked to end', () => {
  const home = relayHome();
  let relay: RelayProcess;
  afterEach(async () => {
    relay.child.kill('SIGKILL');
    await relay.ended;
  });
  afterAll(() => home.remove());

  test('says so on /readyz first, then tells everybody to come back later, and ends with 0', async () => {
    relay = await startRelay(home.path, ['--drain-seconds', '1']);
    const ask = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${relay.port}${path}`);
      return { status: answer.status, text: await answer.text() };
    };
    const ws = new WebSocket(`ws://127.0.0.1:${relay.port}/`);
    await once(ws, 'message');
    relay.child.kill('SIGTERM');
    await until(async () => (await ask('/readyz')).text.includes('leaving'));
    expect((await ask('/healthz')).status).toBe(200);
    const [code, reason] = (await once(ws, 'close')) as [number, Buffer];
    expect(code).toBe(1001);
    expect(String(reason)).toMatch(/^retry-after=\d+$/);
    expect(await relay.ended).toBe(0);
    expect(relay.lines.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['service.ending', 'listener.closed']),
    );
  });

  test('and asked again, ends at once', async () => {
    relay = await startRelay(home.path, ['--drain-seconds', '600']);
    relay.child.kill('SIGTERM');
    await until(() => relay.lines.some(({ event }) => event === 'service.ending'));
    relay.child.kill('SIGTERM');
    expect(await relay.ended).toBe(1);
  });
});

describe('a relay of a supervisor that is asked to end', () => {
  const home = relayHome();
  afterAll(() => home.remove());

  test('finishes, though the signal came to all of them and the supervisor sent its own', async () => {
    const relay = await startRelay(home.path, ['--drain-seconds', '1'], { supervised: true });
    relay.child.kill('SIGINT');
    await until(() => relay.lines.some(({ event }) => event === 'service.ending'));
    relay.child.kill('SIGTERM');
    relay.child.kill('SIGTERM');
    expect(await relay.ended).toBe(0);
    expect(relay.lines.map(({ event }) => event)).toContain('listener.closed');
  });
});

describe('a relay does not start', () => {
  const home = relayHome();
  afterAll(() => home.remove());

  test.each<[string, string[], Record<string, string>, string]>([
    ['with a variable that nobody knows', [], { CAPONIER_RELAY_MAIL_PER_MINUT: '5' }, 'CAPONIER_RELAY_MAIL_PER_MINUT'],
    ['with numbers for everybody', ['--metrics-port', '0', '--metrics-host', '0.0.0.0'], {}, 'host.public_metrics'],
    ['with an export to nowhere', ['--otlp-endpoint', 'ftp://collector.example.org'], {}, '--otlp-endpoint'],
    ['open to everybody beyond this machine', ['--host', '0.0.0.0', '--allow-unsafe-public-bind'], {}, '--admission'],
  ])('%s', async (_, flags, more, said) => {
    const { code, err } = await refusedRelay(home.path, flags, more);
    expect([code, err]).toEqual([2, expect.stringContaining(said)]);
    expect(err).toContain('hint: ');
  });

  test.each([
    ['with a key that others can read', 'keys/relay-resume.key'],
    ['with waiting alerts that others can read', 'data/relay/alerts.json'],
  ])('%s, and leaves no process behind', async (_, file) => {
    const path = join(home.path, file);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    writeFileSync(path, '[]', { mode: 0o644 });
    const secretFile = join(home.path, 'webhook-secret');
    writeFileSync(secretFile, 's'.repeat(32), { mode: 0o600 });
    const flags = ['--alert-webhook', 'https://hooks.example.org/', '--alert-webhook-secret-file', secretFile];
    const { code, err } = await refusedRelay(home.path, flags);
    rmSync(path);
    expect([code, err]).toEqual([2, expect.stringContaining('host.loose_permissions')]);
  });
});
