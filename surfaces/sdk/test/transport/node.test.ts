import { createHash, createPrivateKey, createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net';
import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createTransport } from '../../src/transport/node.ts';
import type { BinarySocket, Transport } from '../../src/transport/types.ts';

interface Identity {
  key: string;
  cert: string;
  pin: string;
}

async function identity(): Promise<Identity> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'test' }], {
    keyType: 'ec',
    algorithm: 'sha256',
  });
  const spki = createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'der' });
  return { key, cert, pin: createHash('sha256').update(spki).digest('base64url') };
}

let one: Identity;
let other: Identity;
beforeAll(async () => {
  [one, other] = await Promise.all([identity(), identity()]);
});

let transport: Transport;
const servers: Server[] = [];
beforeEach(() => {
  transport = createTransport();
});
afterEach(() => {
  transport.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections?.();
    server.close();
  }
});
afterAll(() => expect(servers).toEqual([]));

async function started(server: Server): Promise<string> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const http = async (listener: RequestListener) => `http://${await started(createHttpServer(listener))}`;
const https = async (listener: RequestListener) => `https://${await started(createHttpsServer(one, listener))}`;
const refused = (code: string) => expect.objectContaining({ code });

describe('fetch', () => {
  it('sends method, headers and body, and gives back status, headers and body', async () => {
    const url = await http(async (request, response) => {
      const pieces: Buffer[] = [];
      for await (const piece of request) pieces.push(piece);
      response.writeHead(409, { 'x-answer': 'yes' });
      response.end(
        JSON.stringify([
          request.method,
          request.headers['x-ask'],
          request.headers['content-length'],
          String(Buffer.concat(pieces)),
        ]),
      );
    });
    const answer = await transport.fetch(url, { method: 'POST', headers: { 'x-ask': 'a' }, body: 'grün' });
    expect([answer.status, answer.header('X-Answer'), answer.header('nothing')]).toEqual([409, 'yes', null]);
    expect(await answer.json()).toEqual(['POST', 'a', '5', 'grün']);
    const again = await transport.fetch(url, { method: 'PUT', body: Uint8Array.of(65) });
    expect(await again.text()).toBe('["PUT",null,"1","A"]');
  });

  it('gives the pieces of a stream as they come, and ends the connection when the loop is left', async () => {
    let left: Promise<unknown> | undefined;
    const url = await http((_request, response) => {
      left = once(response, 'close');
      let n = 0;
      const timer = setInterval(() => response.write(`${n++}\n`), 5);
      response.once('close', () => clearInterval(timer));
    });
    const lines: string[] = [];
    for await (const piece of (await transport.fetch(url, { maxBytes: Number.POSITIVE_INFINITY })).body) {
      lines.push(new TextDecoder().decode(piece));
      if (lines.length === 3) break;
    }
    expect(lines).toEqual(['0\n', '1\n', '2\n']);
    await left;
  });

  it('ends when its signal says so', async () => {
    const url = await http((_request, response) => void response.write('x'));
    const abort = new AbortController();
    const answer = await transport.fetch(url, { signal: abort.signal });
    setTimeout(() => abort.abort(), 20);
    await expect(answer.bytes()).rejects.toEqual(refused('host.unreachable'));
    await expect(transport.fetch(url, { signal: abort.signal })).rejects.toEqual(refused('host.unreachable'));
  });

  it('bounds the size, declared or not', async () => {
    const url = await http((request, response) => {
      if (request.url === '/declared') response.setHeader('content-length', '11');
      response.end('x'.repeat(11));
    });
    for (const path of ['/declared', '/streamed']) {
      expect(await (await transport.fetch(url + path, { maxBytes: 11 })).text()).toHaveLength(11);
      await expect((await transport.fetch(url + path, { maxBytes: 10 })).bytes()).rejects.toEqual(
        refused('host.body_too_large'),
      );
    }
  });

  it('bounds the time to the answer, and the quiet within it', async () => {
    const url = await http((request, response) => {
      if (request.url === '/slow') response.write('x');
    });
    await expect(transport.fetch(`${url}/never`, { timeout: 50 })).rejects.toEqual(refused('host.unreachable'));
    await expect((await transport.fetch(`${url}/slow`, { idleTimeout: 50 })).text()).rejects.toEqual(
      refused('host.unreachable'),
    );
  });

  it('says that an answer was cut off, and that it is no JSON', async () => {
    const url = await http((request, response) => {
      if (request.url === '/text') return void response.end('hello');
      response.setHeader('content-length', '100');
      response.write('x', () => response.destroy());
    });
    await expect((await transport.fetch(url)).bytes()).rejects.toEqual(refused('host.unreachable'));
    await expect((await transport.fetch(`${url}/text`)).json()).rejects.toEqual(refused('host.unreachable'));
  });

  it('does not follow a redirect', async () => {
    const url = await http(
      (_request, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    );
    expect((await transport.fetch(url)).status).toBe(302);
  });

  it('refuses plaintext beyond this machine, and what is no address', async () => {
    for (const url of [
      'http://192.168.1.1/',
      'http://example.org/',
      'http://127.0.0.1.example.org/',
      'http://0.0.0.0/',
    ]) {
      await expect(transport.fetch(url)).rejects.toEqual(refused('host.insecure_address'));
      await expect(transport.connect(url.replace('http', 'ws'), { onMessage() {}, onClose() {} })).rejects.toEqual(
        refused('host.insecure_address'),
      );
    }
    for (const url of ['', 'file:///etc/passwd', 'ws://localhost/', 'https://user:password@localhost/']) {
      await expect(transport.fetch(url)).rejects.toEqual(refused('host.bad_config'));
    }
    await expect(transport.fetch('http://127.0.0.1:1/')).rejects.toEqual(refused('host.unreachable'));
  });
});

describe('a pin', () => {
  it('stands for the certificate, again and again', async () => {
    const url = await https((_request, response) => void response.end('secure'));
    await expect(transport.fetch(url)).rejects.toEqual(refused('host.unreachable'));
    for (let i = 0; i < 3; i++) expect(await (await transport.fetch(url, {}, one.pin)).text()).toBe('secure');
  });

  it('of another key is refused before a byte of the request is sent', async () => {
    let requests = 0;
    let bytes = 0;
    const server = createHttpsServer(one, () => requests++);
    server.on('secureConnection', (socket: Socket) => socket.on('data', (piece) => (bytes += piece.length)));
    const url = `https://${await started(server)}`;
    const init = { method: 'POST', headers: { authorization: 'secret' }, body: 'secret' } as const;
    for (const pin of [other.pin, '', one.pin.slice(0, -1)]) {
      await expect(transport.fetch(url, init, pin)).rejects.toEqual(refused('host.pin_mismatch'));
      const socket = transport.connect(url.replace('https', 'wss'), { pin, onMessage() {}, onClose() {} });
      await expect(socket).rejects.toEqual(refused('host.pin_mismatch'));
    }
    expect([requests, bytes]).toEqual([0, 0]);
  });

  it('does not borrow a connection that was made for another pin', async () => {
    const url = await https((_request, response) => void response.end('secure'));
    await (await transport.fetch(url, {}, one.pin)).text();
    await expect(transport.fetch(url, {}, other.pin)).rejects.toEqual(refused('host.pin_mismatch'));
  });
});

describe('connect', () => {
  async function sockets(secure: boolean): Promise<{ url: string; server: WebSocketServer }> {
    const web = secure ? createHttpsServer(one) : createHttpServer();
    const server = new WebSocketServer({ server: web });
    return { url: `${secure ? 'wss' : 'ws'}://${await started(web)}`, server };
  }

  it.each([false, true])('carries binary messages both ways (TLS: %s), the first ones too', async (secure) => {
    const { url, server } = await sockets(secure);
    server.on('connection', (socket) => {
      socket.send(Uint8Array.of(1));
      socket.send(Uint8Array.of(2));
      socket.on('message', (data) => socket.send(data, () => socket.close(4001, 'enough')));
    });
    const got: number[][] = [];
    let socket: BinarySocket | undefined;
    const closed = new Promise<[number, string]>((resolve) => {
      void transport
        .connect(url, {
          pin: one.pin,
          onMessage(message) {
            expect(socket).toBeDefined();
            expect(message.constructor).toBe(Uint8Array);
            got.push([...message]);
          },
          onClose: (code, reason) => resolve([code, reason]),
        })
        .then((opened) => {
          socket = opened;
          socket.send(Uint8Array.of(3, 4));
        });
    });
    expect(await closed).toEqual([4001, 'enough']);
    expect(got).toEqual([[1], [2], [3, 4]]);
    socket?.send(Uint8Array.of(5));
    socket?.close();
  });

  it('closes on text, and on a message that is too large', async () => {
    const { url, server } = await sockets(false);
    const told: number[] = [];
    server.on('connection', (socket, request) => {
      socket.on('close', (code) => told.push(code));
      socket.send(request.url === '/text' ? 'text' : new Uint8Array(101));
    });
    const codeOf = (path: string) =>
      new Promise<number>((resolve, reject) => {
        transport
          .connect(url + path, { maxMessageBytes: 100, onMessage: reject, onClose: (code) => resolve(code) })
          .catch(reject);
      });
    expect(await codeOf('/text')).toBe(1003);
    expect(await codeOf('/large')).toBe(1006);
    await expect.poll(() => told).toEqual([1003, 1009]);
  });

  it('bounds the time until it is open, TLS too, and ends by its signal', async () => {
    const silent = createNetServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const address = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const handlers = { onMessage() {}, onClose() {} };
    for (const url of [`ws://${address}`, `wss://${address}`]) {
      await expect(transport.connect(url, { ...handlers, pin: one.pin, timeout: 50 })).rejects.toEqual(
        refused('host.unreachable'),
      );
      await expect(transport.connect(url, { ...handlers, signal: AbortSignal.timeout(50) })).rejects.toEqual(
        refused('host.unreachable'),
      );
      await expect(transport.connect(url, { ...handlers, signal: AbortSignal.abort() })).rejects.toEqual(
        refused('host.unreachable'),
      );
    }
    silent.close();
  });
});
