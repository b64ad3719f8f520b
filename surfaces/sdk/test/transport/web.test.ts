import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { createTransport } from '../../src/transport/web.ts';

/** Node has `fetch` and `WebSocket` as browsers do. */
const transport = createTransport();
const refused = (code: string) => expect.objectContaining({ code });
let server: Server;
let address: string;

beforeEach(async () => {
  server = createServer((request, response) => {
    if (request.url === '/never') return;
    if (request.url === '/slow') return void response.write('x');
    if (request.url === '/redirect') return void response.writeHead(302, { location: '/' }).end();
    response.writeHead(201, { 'x-answer': 'yes' });
    request.pipe(response);
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    if (request.url === '/text') socket.send('text');
    socket.on('message', (data) => socket.send(data, () => socket.close(4001, 'enough')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

it('sends and gives back, bounded in size and time', async () => {
  const url = `http://${address}`;
  const post = (maxBytes: number) => transport.fetch(url, { method: 'POST', body: Uint8Array.of(1, 2, 3), maxBytes });
  const answer = await post(3);
  expect([answer.status, answer.header('x-answer'), await answer.bytes()]).toEqual([
    201,
    'yes',
    Uint8Array.of(1, 2, 3),
  ]);
  await expect((await post(2)).bytes()).rejects.toEqual(refused('host.body_too_large'));
  await expect(transport.fetch(`${url}/never`, { timeout: 50 })).rejects.toEqual(refused('host.unreachable'));
  await expect((await transport.fetch(`${url}/slow`, { idleTimeout: 50 })).text()).rejects.toEqual(
    refused('host.unreachable'),
  );
  await expect(transport.fetch(`${url}/redirect`)).rejects.toEqual(refused('host.unreachable'));
});

it('carries binary messages, and closes on text', async () => {
  const closed = (path: string, got: Uint8Array[]) =>
    new Promise<[number, string]>((resolve, reject) => {
      transport
        .connect(`ws://${address}${path}`, {
          onMessage: (message) => got.push(message),
          onClose: (...why) => resolve(why),
        })
        .then((socket) => path === '/' && socket.send(Uint8Array.of(5)), reject);
    });
  const got: Uint8Array[] = [];
  expect(await closed('/', got)).toEqual([4001, 'enough']);
  expect(got).toEqual([Uint8Array.of(5)]);
  expect((await closed('/text', []))[0]).toBe(3003);
  await expect(transport.connect('ws://127.0.0.1:1', { onMessage() {}, onClose() {} })).rejects.toEqual(
    refused('host.unreachable'),
  );
});

it('refuses a pin that it could not compare, and plaintext beyond this machine', async () => {
  const handlers = { onMessage() {}, onClose() {} };
  await expect(transport.fetch('https://127.0.0.1:1/', {}, 'pin')).rejects.toEqual(refused('host.pin_unsupported'));
  await expect(transport.connect('wss://127.0.0.1:1/', { ...handlers, pin: 'pin' })).rejects.toEqual(
    refused('host.pin_unsupported'),
  );
  await expect(transport.fetch('http://example.org/')).rejects.toEqual(refused('host.insecure_address'));
});
