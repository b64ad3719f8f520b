import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { fail } from '@caponier/protocol';
import { Hono } from 'hono';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { createLog, type Listener, parseNetworks, problems, refuseSocket } from '../src/index.ts';
import { placeOf } from '../src/listen/problems.ts';
import { application, bare, listen, logLines, pause, until } from './helpers.ts';

let listener: Listener;
afterEach(() => listener?.close(0));

const get = (path = '/', init: RequestInit = {}) => fetch(listener.url + path, init);

describe('serve', () => {
  it('answers, and says its port and address', async () => {
    listener = await listen();
    expect(listener.url).toBe(`http://127.0.0.1:${listener.port}`);
    const answer = await get();
    expect(await answer.text()).toBe('hello');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('says why it cannot bind', async () => {
    listener = await listen();
    await expect(listen({}, { port: listener.port })).rejects.toMatchObject({ code: 'host.bad_config' });
  });

  it('streams an answer piece by piece, and stops the stream when the reader leaves', async () => {
    let left = false;
    const app = new Hono();
    app.get('/', () => {
      let n = 0;
      const body = new ReadableStream({
        async pull(controller) {
          await pause(5);
          controller.enqueue(new TextEncoder().encode(`${n++}\n`));
        },
        cancel() {
          left = true;
        },
      });
      return new Response(body);
    });
    listener = await listen({}, {}, app);
    const abort = new AbortController();
    const reader = (await get('/', { signal: abort.signal })).body!.getReader();
    const first = await reader.read();
    expect(new TextDecoder().decode(first.value)).toMatch(/^0\n/);
    abort.abort();
    await until(() => left);
  });

  it('cuts an answer whose stream breaks, and tells nobody outside why', async () => {
    const app = new Hono();
    app.get('/', () => new Response(new ReadableStream({ pull: (c) => c.error(new Error('the secret detail')) })));
    listener = await listen({}, {}, app);
    const error = vi.spyOn(console, 'error');
    const { socket, told } = bare(listener.port);
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await told).not.toContain('secret');
    expect(error).not.toHaveBeenCalled();
    error.mockRestore();
  });
});

describe('limits', () => {
  it('refuse a body by its declared length, before any of it is read', async () => {
    listener = await listen({ maxBodyBytes: 2_000 });
    expect(await (await get('/size', { method: 'POST', body: 'x'.repeat(2_000) })).json()).toEqual({ bytes: 2_000 });
    const { socket, told } = bare(listener.port);
    socket.write('POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 2001\r\n\r\n');
    expect(await told).toMatch(/^HTTP\/1.1 413 [\s\S]*"host.body_too_large"/);
  });

  it('refuse a body without a declared length', async () => {
    listener = await listen();
    const body = new Blob(['abc']).stream();
    const answer = await get('/size', { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect([answer.status, await answer.json()]).toMatchObject([411, { code: 'host.length_required' }]);
  });

  it('bound the bodies under way together, and free their share at the end', async () => {
    listener = await listen({ maxBodyBytes: 2_000, maxBodyBytesTogether: 3_000 });
    const slow = bare(listener.port);
    slow.socket.write('POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 2000\r\n\r\n');
    await until(() => listener.connections === 1);
    await pause(20);
    const refused = await get('/size', { method: 'POST', body: 'x'.repeat(1_001) });
    expect([refused.status, await refused.json()]).toMatchObject([503, { code: 'host.busy' }]);
    slow.socket.write('x'.repeat(2_000));
    await pause(50);
    expect((await get('/size', { method: 'POST', body: 'x'.repeat(1_001) })).status).toBe(200);
    slow.socket.destroy();
  });

  it('answer 503 to one proxy connection too many, and take the next when one has left', async () => {
    listener = await listen({ maxConnections: 2 }, { trusted: parseNetworks('127.0.0.1') });
    const first = bare(listener.port);
    bare(listener.port);
    await until(() => listener.connections === 2);
    const third = bare(listener.port);
    third.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(await third.told).toMatch(/^HTTP\/1.1 503 [\s\S]*"host.too_many_connections"/);
    first.socket.destroy();
    await until(() => listener.connections === 1);
    expect((await get()).status).toBe(200);
  });

  it('let WebSockets in past as many connections as there may be, idle ones and slow ones', async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const hits: string[] = [];
    listener = await listen(
      { maxConnections: 10 },
      {
        onUpgrade: (request, socket, head) => sockets.handleUpgrade(request, socket, head, () => {}),
        onLimit: (name) => hits.push(name),
      },
    );
    const holding = Array.from({ length: 10 }, (_, i) => {
      const { socket, told } = bare(listener.port);
      if (i % 2 === 0) socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      else socket.write('POST /size HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nx');
      return { socket, told };
    });
    await until(() => listener.connections === 10);
    const clients: WebSocket[] = [];
    for (let i = 0; i < 15; i++) {
      const client = new WebSocket(listener.url.replace('http', 'ws'));
      await once(client, 'open');
      clients.push(client);
    }
    // Each came into the place of one that held it, until there was a place left by one that had become a WebSocket.
    expect(hits).toEqual(['maxConnections']);
    expect(clients.every(({ readyState }) => readyState === WebSocket.OPEN)).toBe(true);
    expect(listener.connections).toBe(24);
    for (const { socket } of holding) socket.destroy();
    for (const client of clients) client.terminate();
  });

  it('slow an address down, upgrades too', async () => {
    let now = 1_000_000;
    listener = await listen({ maxRequestsPerMinute: 60, requestBurst: 3 }, { clock: () => now });
    for (let i = 0; i < 3; i++) expect((await get()).status).toBe(200);
    const refused = await get();
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toMatchObject([
      429,
      '1',
      { code: 'host.rate_limited' },
    ]);
    const upgrade = bare(listener.port);
    upgrade.socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
    expect(await upgrade.told).toMatch(/^HTTP\/1.1 429 /);
    now += 1_000;
    expect((await get()).status).toBe(200);
  });

  it('bind a request that expects something like any other', async () => {
    listener = await listen({ maxRequestsPerMinute: 1, requestBurst: 1, maxBodyBytes: 2_000 });
    for (const status of [413, 429]) {
      const { socket, told } = bare(listener.port);
      const headers = 'host: a\r\nexpect: something\r\nconnection: close\r\ncontent-length: 2001';
      socket.write(`POST /size HTTP/1.1\r\n${headers}\r\n\r\n`);
      expect(await told).toContain(`HTTP/1.1 ${status} `);
    }
  });

  it('survive what is no HTTP', async () => {
    listener = await listen();
    for (const bytes of [
      '\x16\x03\x01\x02',
      'GET /\r\n\r\n',
      'GET http://[ HTTP/1.1\r\nhost: a\r\n\r\n',
      `GET / HTTP/1.1\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`,
    ]) {
      const { socket, told } = bare(listener.port);
      socket.end(bytes);
      expect(await told).not.toContain('Error:');
    }
    expect((await get()).status).toBe(200);
  });
});

describe('upgrades', () => {
  const upgrade =
    'GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

  it('go to the hook, on the same port', async () => {
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    listener = await listen(
      {},
      {
        onUpgrade: (request, socket, head) =>
          sockets.handleUpgrade(request, socket, head, (ws) => sockets.emit('connection', ws)),
      },
    );
    const socket = new WebSocket(`${listener.url.replace('http', 'ws')}/socket`);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send('echo');
    expect(String(await new Promise((resolve) => socket.once('message', resolve)))).toBe('echo');
    expect((await get()).status).toBe(200);
    socket.terminate();
  });

  it.each([
    ['without a hook', undefined, 'host.not_found'],
    [
      'by the hook',
      (_: unknown, socket: Duplex) => refuseSocket(socket, fail('relay.not_admitted')),
      'relay.not_admitted',
    ],
    [
      'by a hook that throws',
      () => {
        throw new Error('the secret detail');
      },
      'host.internal',
    ],
  ])('refused %s leave no socket behind, though the other side never hangs up', async (_name, onUpgrade, code) => {
    listener = await listen({}, onUpgrade ? { onUpgrade } : {});
    const { socket, told } = bare(listener.port, true);
    socket.write(upgrade);
    await until(() => listener.connections === 1);
    await until(() => listener.connections === 0);
    socket.end();
    const answer = await told;
    expect(answer).toContain(`"${code}"`);
    expect(answer).not.toContain('secret');
  });

  it('to anything but a WebSocket are not taken', async () => {
    listener = await listen();
    const { socket, told } = bare(listener.port);
    socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: h2c\r\n\r\n');
    expect(await told).toMatch(/^HTTP\/1.1 200 /);
  });
});

describe('close', () => {
  it('lets requests under way end and takes no more', async () => {
    const app = new Hono();
    app.get('/', async (c) => {
      await pause(150);
      return c.text('done');
    });
    listener = await listen({}, {}, app);
    const under = get();
    await pause(50);
    const closed = listener.close();
    await expect(get()).rejects.toThrow();
    expect(await (await under).text()).toBe('done');
    await closed;
  });

  it('tells an upgrade that comes meanwhile to come again, and to no upgrade what it never took', async () => {
    const upgrade = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
    for (const taking of [true, false]) {
      let taken = 0;
      const onUpgrade = { onUpgrade: () => void taken++ };
      listener = await listen({}, taking ? onUpgrade : {});
      const { socket, told } = bare(listener.port);
      await until(() => listener.connections === 1);
      const closed = listener.close();
      socket.write(upgrade);
      const answer = await told;
      await closed;
      expect(taken).toBe(0);
      expect(answer).toMatch(taking ? /^HTTP\/1\.1 503 / : /^HTTP\/1\.1 404 /);
      if (taking) expect(answer).toMatch(/\r\nretry-after: \d+\r\n/);
    }
  });

  it('cuts what is left after the grace', async () => {
    listener = await listen();
    const { told } = bare(listener.port);
    await until(() => listener.connections === 1);
    await listener.close(30);
    expect(await told).toBe('');
  });
});

describe('boot refusals', () => {
  it('plaintext beyond this machine needs to be asked for', async () => {
    await expect(listen({}, { host: '0.0.0.0' })).rejects.toMatchObject({ code: 'host.public_plaintext' });
    await expect(listen({}, { host: '::' })).rejects.toMatchObject({ code: 'host.public_plaintext' });
    listener = await listen({}, { host: '0.0.0.0', allowUnsafePublicBind: true });
  });

  it('root needs to be asked for', async () => {
    const user = vi.spyOn(process, 'getuid').mockReturnValue(0);
    await expect(listen({}, { allowRoot: false })).rejects.toMatchObject({ code: 'host.root' });
    listener = await listen({}, { allowRoot: true });
    user.mockReturnValue(1000);
    await (await listen({}, { allowRoot: false })).close();
    user.mockRestore();
  });
});

describe('problems', () => {
  it('say the code and nothing internal, and log the place', async () => {
    const lines: string[] = [];
    const log = createLog({ service: 'test', clock: () => 5, to: { write: (line) => void lines.push(line) } });
    const app = application();
    problems(app, log);
    app.get('/coded', () => {
      throw fail('permit.expired', 'the secret detail');
    });
    app.get('/bug', () => {
      throw new Error('the secret detail');
    });
    const coded = await app.request('/coded');
    expect([coded.status, coded.headers.get('content-type')]).toEqual([403, 'application/problem+json']);
    expect(await coded.json()).toEqual({
      type: 'urn:caponier:permit.expired',
      title: 'The permit is not valid now.',
      status: 403,
      code: 'permit.expired',
      hint: expect.any(String),
    });
    const bug = await app.request('/bug');
    expect([bug.status, await bug.json()]).toMatchObject([500, { code: 'host.internal' }]);
    expect(await (await app.request('/nothing')).json()).toMatchObject({ code: 'host.not_found' });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        level: 'error',
        time: 5,
        service: 'test',
        event: 'request.failed',
        code: 'host.internal',
        method: 'GET',
        where: expect.stringMatching(/^test\/serve.test.ts:\d+$/),
      },
    ]);
    expect(lines.join()).not.toContain('secret');
  });

  it('name the place of what failed, and not the one where errors are made', () => {
    expect(placeOf(fail('host.internal', 'detail'))).toMatch(/^test\/serve\.test\.ts:\d+$/);
  });

  it('name the code of a stream that broke, in the log', async () => {
    const lines = logLines();
    const app = new Hono();
    app.get('/', () => new Response(new ReadableStream({ pull: (c) => c.error(fail('store.unavailable', 'closed')) })));
    listener = await listen({}, { log: lines.log }, app);
    const { socket, told } = bare(listener.port);
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await told;
    expect(lines.of('request.failed')).toMatchObject([{ code: 'store.unavailable' }]);
  });

  it('also answer when an application forgot them', async () => {
    listener = await listen({}, {}, { fetch: () => Promise.reject(new Error('the secret detail')) } as unknown as Hono);
    const answer = await get();
    expect([answer.status, await answer.json()]).toMatchObject([500, { code: 'host.internal' }]);
  });
});
