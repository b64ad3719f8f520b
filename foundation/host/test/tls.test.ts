import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Certificate, type Listener, loadOrCreateCertificate, openHome, parseNetworks } from '../src/index.ts';
import { bare, listen, temporaryFolder, until } from './helpers.ts';

let folder: ReturnType<typeof temporaryFolder>;
let tls: Certificate;
let listener: Listener;
beforeEach(async () => {
  folder = temporaryFolder();
  tls = await loadOrCreateCertificate(openHome(`${folder.path}/home`), ['127.0.0.1'], Date.now());
});
afterEach(async () => {
  await listener.close(0);
  folder.remove();
});

async function get(): Promise<{ status: number | undefined; body: string }> {
  const agent = new Agent({ keepAlive: false, ca: tls.cert });
  const sent = request(listener.url, { agent }).end();
  const [answer] = await once(sent, 'response');
  let body = '';
  for await (const piece of answer) body += piece;
  return { status: answer.statusCode, body };
}

it('is spoken with the certificate of the home, beyond this machine too', async () => {
  listener = await listen({}, { tls });
  expect(listener.url).toMatch(/^https:/);
  expect(await get()).toEqual({ status: 200, body: 'hello' });
  await listener.close();
  listener = await listen({}, { tls, host: '0.0.0.0' });
  expect(listener.url).toMatch(/^https:\/\/0\.0\.0\.0:/);
});

it('carries the 503 to a connection too many', async () => {
  listener = await listen({ maxConnections: 1 }, { tls, trusted: parseNetworks('127.0.0.1') });
  const first = tlsConnect({ port: listener.port, host: '127.0.0.1', ca: tls.cert });
  await once(first, 'secureConnect');
  expect(await get()).toMatchObject({ status: 503, body: expect.stringContaining('host.too_many_connections') });
  first.destroy();
  await until(() => listener.connections === 0);
  expect((await get()).status).toBe(200);
});

it('cuts who never ends the handshake, and who speaks plaintext', async () => {
  listener = await listen({ headerSeconds: 1 }, { tls });
  const plain = bare(listener.port);
  plain.socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  expect(await plain.told).not.toContain('hello');
  const silent = bare(listener.port);
  await silent.told;
  await until(() => listener.connections === 0);
  expect((await get()).status).toBe(200);
});
