import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Hono } from 'hono';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { countRequests, createMetrics, type MetricsListener, serveMetrics } from '../src/index.ts';
import { temporaryFolder } from './helpers.ts';

const counters = {
  limit_hits: { label: 'limit', values: ['connections', 'streams'], help: 'Times that a limit bit.' },
  connections_cut: { label: 'code', values: ['relay.timeout'], help: 'Connections ended.' },
} as const;
const timings = { hello: 'From a hello to its answer.' } as const;

const fresh = () => createMetrics({ service: 'test', version: '0.0.0' });
/** Names and labels of our rows, without their values. */
const seriesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('caponier_'))
    .map((line) => line.replace(/ \S+$/, ''));

describe('a meter', () => {
  it('has every row at 0 before anything happened', async () => {
    const metrics = fresh();
    metrics.meter('relay', counters, timings);
    const text = await metrics.text();
    expect(text).toContain('caponier_relay_limit_hits_total{limit="connections"} 0\n');
    expect(text).toContain('caponier_relay_limit_hits_total{limit="streams"} 0\n');
    expect(text).toContain('caponier_relay_connections_cut_total{code="relay.timeout"} 0\n');
    expect(text).toContain('caponier_relay_hello_seconds_count 0\n');
  });

  it('counts, in seconds where it is time', async () => {
    const metrics = fresh();
    const meter = metrics.meter('relay', counters, timings);
    meter.add('limit_hits', 'streams');
    meter.add('limit_hits', 'streams', 4);
    meter.time('hello', 20);
    const text = await metrics.text();
    expect(text).toContain('caponier_relay_limit_hits_total{limit="streams"} 5\n');
    expect(text).toContain('caponier_relay_hello_seconds_sum 0.02\n');
    expect(text).toContain('caponier_relay_hello_seconds_bucket{le="0.01"} 0\n');
    expect(text).toContain('caponier_relay_hello_seconds_bucket{le="0.025"} 1\n');
  });

  it('gets no row from a value that is not on its list', async () => {
    const metrics = fresh();
    const meter = metrics.meter('relay', counters, timings);
    const before = seriesOf(await metrics.text());
    meter.add('limit_hits', 'made"} up' as 'streams');
    meter.add('made_up' as 'limit_hits', 'streams');
    meter.time('made_up' as 'hello', 1);
    expect(seriesOf(await metrics.text())).toEqual(before);
  });

  it('is of its process alone: two registries do not meet', async () => {
    const [one, other] = [fresh(), fresh()];
    one.meter('relay', counters, timings).add('limit_hits', 'streams');
    expect(await other.text()).not.toContain('limit_hits');
  });
});

describe('a gauge', () => {
  it('is looked up when it is asked for, and left out where it cannot be said', async () => {
    const metrics = fresh();
    let waiting: number | undefined = 3;
    metrics.gauge({ name: 'mail_waiting', help: 'Mail.', sample: () => waiting });
    metrics.gauge({ name: 'broken', help: 'Fails.', sample: () => Promise.reject(new Error('x')) });
    expect(await metrics.text()).toContain('caponier_mail_waiting 3\n');
    waiting = undefined;
    const text = await metrics.text();
    expect(text).not.toMatch(/^caponier_(mail_waiting|broken) /m);
    expect(text).toContain('process_resident_memory_bytes');
  });
});

describe('requests', () => {
  const app = new Hono();
  app.use('*', async (_, next) => next());
  app.get('/owners/:owner', (c) => c.text(c.req.param('owner') === 'none' ? 'no' : 'yes'));
  app.post('/fail', (c) => c.text('no', 500));

  it('count by pattern and class, and whatever is sent adds no row', async () => {
    const metrics = fresh();
    const counted = countRequests(app, metrics);
    const before = seriesOf(await metrics.text());
    const send = (path: string, method = 'GET') => counted.fetch(new Request(`http://x${path}`, { method }), {});
    await send('/owners/a');
    await send('/owners/b', 'HEAD');
    await send('/fail', 'POST');
    for (let i = 0; i < 50; i++) await send(`/odd/${i}?{}"\\n`, i % 2 === 0 ? 'PROPFIND' : `X${i}`);
    const text = await metrics.text();
    expect(text).toContain('caponier_http_requests_total{route="GET /owners/:owner",status="2xx"} 2\n');
    expect(text).toContain('caponier_http_requests_total{route="POST /fail",status="5xx"} 1\n');
    expect(text).toContain('caponier_http_requests_total{route="none",status="4xx"} 50\n');
    expect(text).toContain('caponier_http_request_seconds_count 53\n');
    expect(seriesOf(text)).toEqual(before);
  });
});

describe('the listener', () => {
  let listener: MetricsListener | undefined;
  afterEach(() => listener?.close());

  it.each(['0.0.0.0', '::', '192.168.0.1', 'example.org'])('refuses to be bound to %s', async (host) => {
    await expect(serveMetrics(fresh(), { host, port: 0 })).rejects.toMatchObject({ code: 'host.public_metrics' });
  });

  it('serves the text and the document, and nothing else', async () => {
    listener = await serveMetrics(fresh(), { host: '127.0.0.1', port: 0 });
    const text = await fetch(`${listener.at}/metrics`);
    expect(text.headers.get('content-type')).toContain('version=0.0.4');
    expect(await text.text()).toContain('caponier_info{service="test",version="0.0.0"} 1');
    const document = (await (await fetch(`${listener.at}/metrics.json`)).json()) as { name: string }[];
    expect(document.map(({ name }) => name)).toContain('caponier_info');
    expect((await fetch(`${listener.at}/`)).status).toBe(404);
    expect((await fetch(`${listener.at}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  it('answers no page that came by a name of its own', async () => {
    listener = await serveMetrics(fresh(), { host: '127.0.0.1', port: 0 });
    const { port } = listener;
    const status = await new Promise((resolve, reject) => {
      const asked = request({ host: '127.0.0.1', port, path: '/metrics', headers: { host: 'rebound.example' } });
      asked.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
      asked.end();
    });
    expect(status).toBe(421);
  });

  const get = 'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n';
  it.each<[string, (socket: Socket) => void]>([
    ['who says nothing', () => {}],
    [
      'who says a byte now and then',
      (socket) => {
        socket.write(`${get}X-Slow: `);
        const timer = setInterval(() => socket.write('x'), 100);
        socket.once('close', () => clearInterval(timer));
      },
    ],
    ['whose body does not come', (socket) => socket.write(`${get}Content-Length: 1000000\r\n\r\n`)],
    ['who does not read the answer', (socket) => socket.pause().write(`${get}\r\n`)],
    [
      'who asks again and again',
      (socket) => {
        const again = () => socket.write(`${get}\r\n`);
        again();
        socket.on('data', again);
      },
    ],
  ])('gets its places back from %s', async (_, hold) => {
    const metrics = fresh();
    // More than buffers on the way take: an answer that is not read stays in this process.
    const values = Array.from({ length: 4_000 }, (_, i) => `${'x'.repeat(1_000)}${i}`);
    metrics.meter('large', { rows: { label: 'value', values, help: 'Much.' } }, {});
    listener = await serveMetrics(metrics, { host: '127.0.0.1', port: 0 });
    const { port, at } = listener;
    const holding = Array.from({ length: 16 }, () => connect({ host: '127.0.0.1', port, allowHalfOpen: true }));
    onTestFinished(() => {
      for (const socket of holding) socket.destroy();
    });
    for (const socket of holding) socket.on('error', () => {});
    await Promise.all(holding.map((socket) => once(socket, 'connect')));
    for (const socket of holding) hold(socket);
    const status = () =>
      fetch(`${at}/`).then(
        (answer) => answer.status,
        () => null,
      );
    await expect.poll(status, { timeout: 15_000 }).toBe(404);
  });

  it('serves on a socket, too', async () => {
    const folder = temporaryFolder();
    const path = `${folder.path}/m.sock`;
    listener = await serveMetrics(fresh(), { path });
    const status = await new Promise((resolve, reject) => {
      const asked = request({ socketPath: path, path: '/metrics.json', headers: { host: 'localhost' } });
      asked.on('response', (response) => resolve(response.resume().statusCode)).on('error', reject);
      asked.end();
    });
    expect(status).toBe(200);
    await listener.close();
    folder.remove();
  });
});
