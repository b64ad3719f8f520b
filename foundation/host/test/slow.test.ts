import { once } from 'node:events';
import { connect as netConnect, type Socket } from 'node:net';
import { Hono } from 'hono';
import { afterEach, describe, expect, it, type TestContext } from 'vitest';
import { type Listener, type ListenerHit, type ListenerLimits, parseNetworks } from '../src/index.ts';
import { MAX_HEADERS, MAX_PIPELINED } from '../src/listen/limits.ts';
import { application, bare, listen, pause, until } from './helpers.ts';

let listener: Listener;
let hits: ListenerHit[] = [];
afterEach(() => listener?.close(0));

const open = async (limits: Partial<ListenerLimits>, app?: Hono) => {
  hits = [];
  listener = await listen(limits, { onLimit: (name) => void hits.push(name) }, app);
};

/** A listener of this test alone: those that wait for whole seconds wait side by side. */
const openFor = async ({ onTestFinished }: TestContext, limits: Partial<ListenerLimits>, app?: Hono) => {
  const hits: ListenerHit[] = [];
  const listener = await listen(limits, { onLimit: (name) => void hits.push(name) }, app);
  onTestFinished(() => listener.close(0));
  return { listener, hits };
};

/** Writes a piece every 100 ms for as long as the other side lets it. */
function trickle(socket: Socket, piece: string): void {
  const timer = setInterval(() => socket.write(piece), 100);
  socket.once('close', () => clearInterval(timer));
}

const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

describe.concurrent('who sends slowly', () => {
  it('has seconds for headers, however it trickles them', async (context) => {
    const { listener, hits } = await openFor(context, { headerSeconds: 1 });
    const { socket, told } = bare(listener.port);
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n');
    trickle(socket, 'x: y\r\n');
    expect(await told).toMatch(/^HTTP\/1.1 408 [\s\S]*"host.too_slow"/);
    expect(hits).toEqual(['headerSeconds']);
    await until(() => listener.connections === 0);
  });

  it('has seconds to say anything at all', async (context) => {
    const { listener } = await openFor(context, { headerSeconds: 1 });
    const { socket, told } = bare(listener.port, true);
    await until(() => listener.connections === 1);
    await until(() => listener.connections === 0);
    socket.end();
    expect(await told).toMatch(/^HTTP\/1.1 408 /);
  });

  it('has seconds for the next request of a connection, too', async (context) => {
    const { listener } = await openFor(context, { headerSeconds: 1 });
    const { socket, told } = bare(listener.port);
    socket.write(request);
    await once(socket, 'data');
    socket.write('GET / HTTP/1.1\r\n');
    trickle(socket, 'x: y\r\n');
    expect(await told).toMatch(/^HTTP\/1.1 200 [\s\S]*HTTP\/1.1 408 /);
  });

  it('has a minute for a body, however it trickles it', async (context) => {
    const { listener, hits } = await openFor(context, { headerSeconds: 1, requestSeconds: 1 });
    const { socket, told } = bare(listener.port);
    socket.write('POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n');
    trickle(socket, 'x');
    expect(await told).toMatch(/^HTTP\/1.1 408 [\s\S]*"host.too_slow"/);
    expect(hits).toEqual(['requestSeconds']);
    await until(() => listener.connections === 0);
  });

  it('cannot stay by ending only its half of the connection', async (context) => {
    const { listener } = await openFor(context, { headerSeconds: 1 });
    const { socket, told } = bare(listener.port, true);
    await until(() => listener.connections === 1);
    socket.end('GET / HTTP/1.1\r\n');
    await until(() => listener.connections === 0);
    expect(await told).not.toContain('200');
  });
});

describe.concurrent('who reads slowly', () => {
  const big = () => {
    const app = new Hono();
    app.get('/', (c) => c.body(new Uint8Array(32 * 1024 * 1024)));
    app.get('/12', (c) => c.body(new Uint8Array(12 * 1024 * 1024)));
    app.get('/endless', () => {
      const piece = new Uint8Array(64 * 1024);
      return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(piece) }));
    });
    return app;
  };

  it.for(['/', '/endless'])('and stops in the middle of %s is cut', async (path, context) => {
    const { listener, hits } = await openFor(context, { responseSeconds: 1 }, big());
    const socket = netConnect(listener.port, '127.0.0.1').on('error', () => {});
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
    await until(() => listener.connections === 1);
    const begin = Date.now();
    await until(() => listener.connections === 0);
    expect(Date.now() - begin).toBeGreaterThan(700);
    expect(hits).toEqual(['responseSeconds']);
    socket.destroy();
  });

  it('but goes on reading gets all of it, though it takes longer altogether', async (context) => {
    const { listener, hits } = await openFor(context, { responseSeconds: 1 }, big());
    const socket = netConnect(listener.port, '127.0.0.1');
    socket.write('GET /12 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    const begin = Date.now();
    let bytes = 0;
    for await (const piece of socket) {
      bytes += piece.length;
      // By the clock: on a busy machine pauses for each piece would add up.
      const ahead = bytes / 6_000 - (Date.now() - begin);
      if (ahead > 1) await pause(ahead);
    }
    expect(bytes).toBeGreaterThan(12 * 1024 * 1024);
    expect(Date.now() - begin).toBeGreaterThan(1_500);
    expect(hits).toEqual([]);
  });
});

describe('who sends many requests at once', () => {
  const slow = () => {
    const app = application();
    app.get('/slow', async (c) => {
      await pause(400);
      return c.text('slow');
    });
    return app;
  };

  it('gets its answers in order up to a bound', async () => {
    await open({}, slow());
    const { socket, told } = bare(listener.port);
    const last = 'GET /none HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
    socket.write(`GET /slow HTTP/1.1\r\nhost: a\r\n\r\n${request.repeat(MAX_PIPELINED - 2)}${last}`);
    const statuses = [...(await told).matchAll(/HTTP\/1.1 (\d+)/g)].map(([, status]) => status);
    expect(statuses).toEqual([...Array(MAX_PIPELINED - 1).fill('200'), '404']);
  });

  it('and more than that is cut, and costs one count', async () => {
    await open({}, slow());
    const { socket, told } = bare(listener.port);
    socket.write(`GET /slow HTTP/1.1\r\nhost: a\r\n\r\n${request.repeat(2_000)}`);
    expect(await told).toBe('');
    expect(hits).toEqual(['pipelined']);
  });

  it('and leaves, gives back the room of every body that it had announced', async () => {
    await open({ maxBodyBytes: 2_000, maxBodyBytesTogether: 3_000 }, slow());
    const post = 'POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 1500\r\n\r\n';
    for (let i = 0; i < 4; i++) {
      const { socket, told } = bare(listener.port);
      socket.write(`GET /slow HTTP/1.1\r\nhost: a\r\n\r\n${post}${'x'.repeat(100)}`);
      await pause(50);
      socket.destroy();
      await told;
    }
    await until(() => listener.connections === 0);
    const answer = await fetch(`${listener.url}/size`, { method: 'POST', body: 'x'.repeat(2_000) });
    expect(answer.status).toBe(200);
  });
});

describe('what is refused', () => {
  it('for its headers says so', async () => {
    await open({});
    const { socket, told } = bare(listener.port);
    socket.write(`GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`);
    expect(await told).toMatch(/^HTTP\/1.1 431 [\s\S]*"host.headers_too_large"/);
    expect(hits).toEqual(['headerBytes']);
  });

  it.each([
    ['', 'POST /size HTTP/1.1\r\n', 'transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'],
    [' of an upgrade', 'GET / HTTP/1.1\r\n', 'upgrade: websocket\r\nconnection: upgrade\r\n\r\n'],
  ])('for many headers%s is refused whole, and not read without those above the bound', async (_, first, last) => {
    const app = new Hono();
    let asked = 0;
    app.all('*', (c) => c.text(String(asked++)));
    const taken: unknown[] = [];
    listener = await listen({}, { onUpgrade: (request) => taken.push(request.headers) }, app);
    const most = Array.from({ length: MAX_HEADERS - 1 }, (_, i) => `x${i}: y\r\n`).join('');
    for (const more of ['', 'z: y\r\n', 'z: y\r\n'.repeat(100)]) {
      const { socket, told } = bare(listener.port);
      socket.write(`${first}host: a\r\n${most}${more}${last}`);
      expect(await told).toMatch(/^HTTP\/1.1 431 [\s\S]*"host.headers_too_large"/);
    }
    expect([asked, taken]).toEqual([0, []]);
  });

  it('for want of room says when to come back', async () => {
    hits = [];
    const trusted = parseNetworks('127.0.0.1');
    listener = await listen({ maxConnections: 1 }, { trusted, onLimit: (name) => void hits.push(name) });
    const first = bare(listener.port);
    first.socket.write('POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 2000\r\n\r\n');
    await until(() => listener.connections === 1);
    expect(await bare(listener.port).told).toMatch(/^HTTP\/1.1 503 [\s\S]*retry-after: \d+\r\n/);
    expect(hits).toEqual(['maxConnections']);
    first.socket.destroy();
  });

  it('is counted by the limit that bit', async () => {
    await open({ maxBodyBytes: 1_024, maxRequestsPerMinute: 1, requestBurst: 3, maxBodyBytesTogether: 1_024 });
    await fetch(`${listener.url}/size`, { method: 'POST', body: 'x'.repeat(2_000) });
    const holding = bare(listener.port);
    holding.socket.write('POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n');
    await pause(50);
    const busy = await fetch(`${listener.url}/size`, { method: 'POST', body: 'x'.repeat(1_000) });
    expect([busy.status, Number(busy.headers.get('retry-after')) > 0]).toEqual([503, true]);
    expect((await fetch(listener.url)).status).toBe(429);
    expect(hits).toEqual(['maxBodyBytes', 'maxBodyBytesTogether', 'maxRequestsPerMinute']);
    holding.socket.destroy();
  });
});
