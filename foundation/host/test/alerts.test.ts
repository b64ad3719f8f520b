import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Secret } from '@caponier/crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Alert, MAX_WAITING } from '../src/alerts/spool.ts';
import {
  type Alerts,
  type AlertsOptions,
  createAlerts,
  createLog,
  createMetrics,
  type Home,
  type Metrics,
  openHome,
  readWebhook,
  systemRandom,
} from '../src/index.ts';
import { checkTarget, post } from '../src/outbound/post.ts';
import { pause, temporaryFolder, until } from './helpers.ts';

const secretText = 'a secret of thirty-two characters or more';
const secret = Secret.from(new TextEncoder().encode(secretText));

/** Somebody who takes alerts, and answers as it is told to. */
interface Receiver {
  readonly port: number;
  readonly requests: { headers: IncomingMessage['headers']; body: string; alert: Alert }[];
  status: (nth: number) => number;
}

let folder: ReturnType<typeof temporaryFolder>;
let home: Home;
let now = 1_700_000_000_000;
const servers: Server[] = [];
const open: Alerts[] = [];
const lines: Record<string, unknown>[] = [];

beforeEach(() => {
  folder = temporaryFolder();
  home = openHome(`${folder.path}/data`);
  now = 1_700_000_000_000;
  lines.length = 0;
});
afterEach(async () => {
  for (const alerts of open.splice(0)) await alerts.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  folder.remove();
});

async function receive(): Promise<Receiver> {
  const receiver: Receiver & { port: number } = { port: 0, requests: [], status: () => 200 };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      receiver.requests.push({ headers: request.headers, body, alert: JSON.parse(body) });
      response.writeHead(receiver.status(receiver.requests.length), { location: '/elsewhere' }).end();
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  receiver.port = (server.address() as AddressInfo).port;
  return receiver;
}

const log = createLog({
  service: 'test',
  clock: () => now,
  to: { write: (line) => void lines.push(JSON.parse(line)) },
});

function start(port: number, more: Partial<AlertsOptions> = {}): { alerts: Alerts; metrics: Metrics } {
  const metrics = createMetrics({ service: 'test', version: '0' });
  const alerts = createAlerts({
    service: 'relay',
    webhook: { url: `http://127.0.0.1:${port}/hook`, secret, allowLoopback: true },
    home,
    clock: () => now,
    random: systemRandom,
    log,
    metrics,
    retryMs: { first: 10, longest: 40 },
    paceMs: 10,
    ...more,
  });
  open.push(alerts);
  return { alerts, metrics };
}

describe('an alert', () => {
  it('arrives as JSON, signed over time and body, with shortened ids', async () => {
    const receiver = await receive();
    const { alerts, metrics } = start(receiver.port);
    alerts.raise('first_owner', { owner: 'A'.repeat(43), address: '203.0.113.9' });
    await until(() => receiver.requests.length === 1);
    const { headers, body, alert } = receiver.requests[0]!;
    expect(alert).toEqual({
      id: expect.stringMatching(/^[\w-]{22}$/),
      kind: 'first_owner',
      at: now,
      service: 'relay',
      fields: { owner: 'A'.repeat(10), address: '203.0.113.0/24', count: 1 },
    });
    expect(headers['content-type']).toBe('application/json');
    expect(headers['caponier-alert-id']).toBe(alert.id);
    const mac = createHmac('sha256', secretText)
      .update(`${now / 1000}.${body}`)
      .digest('hex');
    expect(headers['caponier-signature']).toBe(`t=${now / 1000},v1=${mac}`);
    // The receiver has the alert before the sender has its answer.
    await expect.poll(() => metrics.text()).toContain('caponier_alerts_webhook_total{outcome="delivered"} 1\n');
    expect(await metrics.text()).toContain('caponier_alerts_raised_total{kind="first_owner"} 1\n');
    await until(() => home.read('alerts.json')?.length === 2);
  });

  it('is tried again until it is taken, under the same id and a new signature', async () => {
    const receiver = await receive();
    receiver.status = (nth) => {
      now += 5_000;
      return [503, 302, 404][nth - 1] ?? 204;
    };
    const { alerts, metrics } = start(receiver.port);
    alerts.raise('storage', { code: 'store.full' });
    await expect.poll(() => metrics.text()).toContain('caponier_alerts_webhook_total{outcome="delivered"} 1\n');
    await pause(100);
    expect(receiver.requests.length).toBe(4);
    expect(new Set(receiver.requests.map(({ alert }) => alert.id)).size).toBe(1);
    expect(new Set(receiver.requests.map(({ headers }) => headers['caponier-signature'])).size).toBe(4);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'alert.failed', status: 503, kind: 'storage' }));
  });

  it('that was not taken is there after a restart', async () => {
    const receiver = await receive();
    receiver.status = () => 500;
    const first = start(receiver.port);
    first.alerts.raise('key_changed');
    first.alerts.raise('revoked');
    await until(() => receiver.requests.length > 0);
    await first.alerts.close();
    const before = receiver.requests.length;
    receiver.status = () => 200;
    start(receiver.port);
    // One that was on its way at the end may come a second time, under its id.
    const taken = () => new Map(receiver.requests.slice(before).map(({ alert: { id, kind } }) => [id, kind]));
    await until(() => taken().size === 2);
    expect([...taken().values()]).toEqual(['key_changed', 'revoked']);
    expect([...taken().keys()][0]).toBe(receiver.requests[0]!.alert.id);
  });

  it('is given up after a day', async () => {
    const receiver = await receive();
    receiver.status = () => 500;
    const { alerts, metrics } = start(receiver.port);
    alerts.raise('certificate');
    await until(() => receiver.requests.length > 0);
    now += 25 * 3_600_000;
    await until(() => lines.some(({ reason }) => reason === 'too_old'));
    await expect.poll(() => metrics.text()).toContain('caponier_alerts_webhook_total{outcome="dropped"} 1\n');
  });

  it('without a webhook is counted, and costs nothing else', async () => {
    const { alerts, metrics } = start(0, { webhook: undefined });
    alerts.raise('flapping');
    expect(await metrics.text()).toContain('caponier_alerts_raised_total{kind="flapping"} 1\n');
    expect(home.list()).toEqual([]);
  });
});

describe('a flood', () => {
  it('of one kind goes out as a few alerts that count the rest, and does not hold up another kind', async () => {
    const receiver = await receive();
    const { alerts } = start(receiver.port);
    for (let i = 0; i < 10_000; i++) alerts.raise('first_owner', { owner: `owner-${i}` });
    alerts.raise('storage');
    await until(() => receiver.requests.length === 6);
    await pause(50);
    expect(receiver.requests.map(({ alert }) => alert.kind).filter((kind) => kind === 'storage')).toHaveLength(1);
    now += 60_000;
    await until(() => receiver.requests.length === 7);
    const last = receiver.requests[6]!.alert;
    expect(last).toMatchObject({ kind: 'first_owner', fields: { count: 9_995, owner: 'owner-9999' } });
  });

  it('fills a queue of bounded length, and says what it dropped', async () => {
    const receiver = await receive();
    receiver.status = () => 500;
    const { alerts, metrics } = start(receiver.port, { retryMs: { first: 60_000, longest: 60_000 } });
    for (let i = 0; i < MAX_WAITING + 20; i++) {
      now += 60_000;
      alerts.raise('refusals');
    }
    const text = await metrics.text();
    expect(text).toContain(`caponier_alerts_waiting ${MAX_WAITING}\n`);
    expect(text).toContain('caponier_alerts_webhook_total{outcome="dropped"} 20\n');
    expect(lines).toContainEqual(expect.objectContaining({ event: 'alert.dropped', reason: 'queue_full' }));
  });
});

describe('the file of waiting alerts', () => {
  it('that cannot be written costs an alert its place after a restart, and not its delivery', async () => {
    const receiver = await receive();
    const full: Home = {
      ...home,
      write() {
        throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      },
    };
    const { alerts, metrics } = start(receiver.port, { home: full });
    alerts.raise('storage', { code: 'store.full' });
    await until(() => receiver.requests.length === 1);
    await until(() => lines.some(({ event }) => event === 'alert.not_kept'));
    // The receiver has the alert before the sender has its answer.
    await expect.poll(() => metrics.text()).toContain('caponier_alerts_waiting 0\n');
    const text = await metrics.text();
    expect(text).toContain('caponier_alerts_webhook_total{outcome="delivered"} 1\n');
    expect(text).toContain('caponier_alerts_webhook_total{outcome="dropped"} 0\n');
    await pause(50);
    expect(receiver.requests).toHaveLength(1);
  });

  it('holds what the pace had kept back when it ends', async () => {
    const receiver = await receive();
    const first = start(receiver.port);
    for (let i = 0; i < 9; i++) first.alerts.raise('revoked', { device: `device-${i}` });
    await expect.poll(() => first.metrics.text()).toContain('caponier_alerts_webhook_total{outcome="delivered"} 5\n');
    await first.alerts.close();
    start(receiver.port);
    await until(() => receiver.requests.length === 6);
    expect(receiver.requests[5]!.alert).toMatchObject({ kind: 'revoked', fields: { count: 4, device: 'device-8' } });
  });

  it.each(['', 'null', '{}', '[{"id":1}]', `[{"id":"a","kind":"made_up","at":1,"service":"x","fields":{}}]`])(
    'that holds %j is set to nothing, and said',
    async (text) => {
      home.write('alerts.json', new TextEncoder().encode(text));
      const { metrics } = start(1);
      expect(await metrics.text()).toContain('caponier_alerts_waiting 0\n');
      expect(lines).toContainEqual(expect.objectContaining({ event: 'alert.spool_damaged' }));
    },
  );
});

describe('where alerts may go', () => {
  it.each([
    'not an address',
    'http://example.com/',
    'ftp://example.com/',
    'https://user:password@example.com/',
    'https://example.com/#part',
    'https://127.0.0.1/',
    'https://10.0.0.1/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://169.254.169.254/latest/meta-data',
    'https://[::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[fd00::1]/',
  ])('not to %s', (url) => {
    expect(() => checkTarget(url, '--alert-webhook', false)).toThrow('--alert-webhook');
  });

  it('to this machine only where that was said, in plaintext too', () => {
    expect(() => checkTarget('http://127.0.0.1:9000/hook', 'x', false)).toThrow();
    for (const url of [
      'http://127.0.0.1:9000/hook',
      'http://localhost/',
      'https://[::1]:1/',
      'https://hook.example.com/a?b',
    ])
      expect(() => checkTarget(url, 'x', true), url).not.toThrow();
    for (const url of ['http://10.0.0.1/', 'http://hook.example.com/'])
      expect(() => checkTarget(url, 'x', true)).toThrow();
  });

  const message = { headers: {}, body: new Uint8Array(2), allowLoopback: false };

  it.each([
    [['127.0.0.1']],
    [['8.8.8.8', '192.168.0.1']],
    [['169.254.169.254']],
    [['::ffff:127.0.0.1']],
    [['fe80::1%eth0']],
    [['not an address']],
    [[]],
  ])('a name that points to %j is not connected to', async (addresses) => {
    const receiver = await receive();
    const url = `https://hook.example.com:${receiver.port}/`;
    for (const allowLoopback of [false, true]) {
      const sent = post({ ...message, url, allowLoopback, resolve: async () => addresses });
      await expect(sent).rejects.toMatchObject({ code: 'host.unreachable' });
    }
    expect(receiver.requests).toEqual([]);
  });

  it('a name is resolved once: a second answer cannot lead elsewhere', async () => {
    const receiver = await receive();
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    let asked = 0;
    const url = `http://localhost:${receiver.port}/`;
    const status = await post({
      ...message,
      body: new TextEncoder().encode('{}'),
      url,
      allowLoopback: true,
      resolve: async () => answers[asked++]!,
    });
    expect([status, asked]).toEqual([200, 1]);
  });

  it('an answer without end, or without a beginning, does not hold us', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/silent') return;
      const timer = setInterval(() => response.write('x'.repeat(512)), 1);
      response.on('close', () => clearInterval(timer));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await post({ ...message, allowLoopback: true, url: `${url}/endless` })).toBe(200);
    const silent = post({ ...message, allowLoopback: true, url: `${url}/silent`, maxMs: 50 });
    await expect(silent).rejects.toMatchObject({ code: 'host.unreachable' });
  });

  it('a proxy that the environment names is not used', async () => {
    const receiver = await receive();
    const module = new URL('../src/outbound/post.ts', import.meta.url).href;
    const url = `http://127.0.0.1:${receiver.port}/`;
    const sent = `{ url: '${url}', headers: {}, body: new TextEncoder().encode('{}'), allowLoopback: true }`;
    const code = `const { post } = await import('${module}'); process.exitCode = (await post(${sent})) === 200 ? 0 : 1;`;
    // Nobody listens on port 1: whatever went there would fail.
    const proxy = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1' };
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      env: { ...process.env, ...proxy, NO_PROXY: '', no_proxy: '' },
      stdio: 'ignore',
    });
    expect(await new Promise((resolve) => child.once('exit', resolve))).toBe(0);
    expect(receiver.requests).toHaveLength(1);
  });

  it('a redirect is not followed', async () => {
    const receiver = await receive();
    receiver.status = () => 307;
    const url = `http://127.0.0.1:${receiver.port}/`;
    expect(await post({ ...message, body: new TextEncoder().encode('{}'), allowLoopback: true, url })).toBe(307);
    expect(receiver.requests).toHaveLength(1);
  });
});

describe('the secret', () => {
  const settings = { url: 'https://hook.example.com/', allowLoopback: false };
  const write = (text: string, mode: number) => {
    const path = `${folder.path}/secret`;
    writeFileSync(path, text, { mode });
    return path;
  };

  it('is read from a file that is ours alone', () => {
    const webhook = readWebhook({ ...settings, secretFile: write(`${secretText}\n`, 0o600) });
    expect(new TextDecoder().decode(webhook!.secret.expose())).toBe(secretText);
    expect(JSON.stringify(webhook)).not.toContain('thirty-two');
    expect(readWebhook({ url: undefined, secretFile: undefined, allowLoopback: false })).toBeUndefined();
  });

  it.each([
    ['is readable by others', secretText, 0o644, 'host.loose_permissions'],
    ['is short', 'x'.repeat(31), 0o600, 'host.bad_config'],
    ['is far too long', 'x'.repeat(5_000), 0o600, 'host.bad_config'],
  ])('that %s is refused', (_, text, mode, code) => {
    expect(() => readWebhook({ ...settings, secretFile: write(text, mode) })).toThrow(code);
  });

  it('that is missing is refused, as is a webhook without one and one without a webhook', () => {
    const fails = (more: object) =>
      expect(() => readWebhook({ ...settings, secretFile: undefined, ...more })).toThrow();
    fails({ secretFile: `${folder.path}/none` });
    fails({});
    fails({ url: undefined, secretFile: write(secretText, 0o600) });
  });
});
