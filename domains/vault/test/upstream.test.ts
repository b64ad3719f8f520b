import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Secret } from '@caponier/crypto';
import { generate } from 'selfsigned';
import { afterEach, describe, expect, it } from 'vitest';
import type { FilledCall } from '../src/call/inject.ts';
import { createNodeUpstream, MAX_ANSWER_BYTES } from '../src/call/upstream.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const servers: Server[] = [];

async function listen(handler: Handler, tls?: { key: string; cert: string }): Promise<number> {
  const server = tls ? createTlsServer(tls, handler) : createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const hide = (text: string) => Secret.from(new TextEncoder().encode(text));
const callTo = (origin: string, more: Partial<FilledCall> = {}): FilledCall => ({
  method: 'GET',
  origin,
  target: hide('/x?y=1'),
  headers: [['authorization', hide('Bearer t0ken')]],
  body: null,
  ...more,
});
const none = { allowPrivate: false };

describe('one call', () => {
  it('arrives as written, and its answer comes back', async () => {
    let seen: { url?: string; headers: IncomingMessage['headers']; body: string } | undefined;
    const port = await listen((request, response) => {
      let body = '';
      request.on('data', (part) => (body += part));
      request.on('end', () => {
        seen = { url: request.url!, headers: request.headers, body };
        response.writeHead(201, { 'x-one': 'a', 'set-cookie': ['a=1', 'b=2'] });
        response.end('done');
      });
    });
    const answer = await createNodeUpstream()(
      callTo(`http://127.0.0.1:${port}`, { method: 'POST', body: hide('ünicode') }),
      none,
    );
    expect(seen).toMatchObject({
      url: '/x?y=1',
      body: 'ünicode',
      headers: { authorization: 'Bearer t0ken', host: `127.0.0.1:${port}` },
    });
    expect(answer).toMatchObject({
      status: 201,
      truncated: false,
      headers: { 'x-one': 'a', 'set-cookie': 'a=1, b=2' },
    });
    expect(Buffer.from(answer.body).toString()).toBe('done');
  });

  it('follows no redirect', async () => {
    let calls = 0;
    const port = await listen((_, response) => {
      calls++;
      response.writeHead(302, { location: `http://127.0.0.1:${port}/elsewhere` }).end();
    });
    const answer = await createNodeUpstream()(callTo(`http://127.0.0.1:${port}`), none);
    expect(answer.status).toBe(302);
    expect(calls).toBe(1);
  });

  it('has an answer of bounded size', async () => {
    const port = await listen((_, response) => response.end(Buffer.alloc(MAX_ANSWER_BYTES + 10, 1)));
    const answer = await createNodeUpstream()(callTo(`http://127.0.0.1:${port}`), none);
    expect(answer.body.length).toBe(MAX_ANSWER_BYTES);
    expect(answer.truncated).toBe(true);
    const endless = await listen((_, response) => {
      const timer = setInterval(() => response.write(Buffer.alloc(256 * 1024)), 1);
      response.on('close', () => clearInterval(timer));
    });
    expect((await createNodeUpstream()(callTo(`http://127.0.0.1:${endless}`), none)).truncated).toBe(true);
  });

  it('that is not answered in time may have happened', async () => {
    const port = await listen(() => undefined);
    const silent = createNodeUpstream({ maxMs: 100 })(callTo(`http://127.0.0.1:${port}`), none);
    await expect(silent).rejects.toMatchObject({ code: 'worker.outcome_unknown' });
  });

  it('whose answer breaks off is an answer cut short', async () => {
    const port = await listen((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });
    const answer = await createNodeUpstream()(callTo(`http://127.0.0.1:${port}`), none);
    expect(Buffer.from(answer.body).toString()).toBe('half');
    expect(answer.truncated).toBe(true);
  });

  it('to something that speaks no HTTP may have happened, and its error quotes nothing', async () => {
    const tcp = createTcpServer((socket) => void socket.on('error', () => undefined).end('garbage\r\n\r\n'));
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const origin = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`;
    const error = await createNodeUpstream()(callTo(origin), none).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'worker.outcome_unknown' });
    expect((error as Error).cause).toBeUndefined();
    expect(String((error as Error).stack)).not.toContain('t0ken');
    tcp.close();
  });

  it('to a closed port surely did not happen', async () => {
    const port = await listen(() => undefined);
    await new Promise((resolve) => servers.pop()!.close(resolve));
    await expect(createNodeUpstream()(callTo(`http://127.0.0.1:${port}`), none)).rejects.toMatchObject({
      code: 'vault.upstream_failed',
    });
  });
});

describe('a name', () => {
  const to = (...addresses: string[]) => createNodeUpstream({ resolve: async () => addresses });
  const call = callTo('https://api.example.com:1');

  it.each([
    [['10.0.0.1'], false],
    [['127.0.0.1'], false],
    [['8.8.8.8', '192.168.0.1'], false],
    [['::ffff:127.0.0.1'], false],
    [['169.254.169.254'], true],
    [['10.0.0.1', 'fe80::1'], true],
  ])('that points to %j is refused (private allowed: %s)', async (addresses, allowPrivate) => {
    await expect(to(...addresses)(call, { allowPrivate })).rejects.toMatchObject({ code: 'vault.private_address' });
  });

  it('that does not resolve, or not in time, is a call that did not happen', async () => {
    const failed = { code: 'vault.upstream_failed' };
    await expect(to()(call, none)).rejects.toMatchObject(failed);
    const broken = createNodeUpstream({ resolve: () => Promise.reject(new Error('x')) });
    await expect(broken(call, none)).rejects.toMatchObject(failed);
    const slow = createNodeUpstream({ resolve: () => new Promise(() => undefined), maxMs: 50 });
    await expect(slow(call, none)).rejects.toMatchObject(failed);
  });
});

describe('TLS', () => {
  const made = async (name: string) => {
    const pem = await generate([{ name: 'commonName', value: name }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
    });
    return { key: pem.private, cert: pem.cert };
  };

  it('goes to the address that was judged, under the name that was allowed', async () => {
    const tls = await made('api.example.com');
    let asked = 0;
    const port = await listen((_, response) => response.end('hello'), tls);
    const resolve = async () => {
      asked++;
      return ['127.0.0.1'];
    };
    const upstream = createNodeUpstream({ ca: [tls.cert], resolve });
    const answer = await upstream(callTo(`https://api.example.com:${port}`), { allowPrivate: true });
    expect(Buffer.from(answer.body).toString()).toBe('hello');
    // Asked once: a second look-up could be answered with another address.
    expect(asked).toBe(1);
  });

  it('with a certificate for another name, or from nobody we know, sends nothing', async () => {
    let calls = 0;
    const tls = await made('other.example.com');
    const port = await listen((_, response) => response.end(String(calls++)), tls);
    const resolve = async () => ['127.0.0.1'];
    for (const ca of [[tls.cert], []]) {
      const upstream = createNodeUpstream({ ca, resolve });
      await expect(upstream(callTo(`https://api.example.com:${port}`), { allowPrivate: true })).rejects.toMatchObject({
        code: 'vault.upstream_failed',
      });
    }
    expect(calls).toBe(0);
  });
});
