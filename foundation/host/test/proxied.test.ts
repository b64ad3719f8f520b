import { once } from 'node:events';
import { connect as netConnect } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { fail } from '@caponier/protocol';
import { afterEach, expect, it } from 'vitest';
import {
  type Listener,
  type ListenerHit,
  loadOrCreateCertificate,
  type OnUpgrade,
  openHome,
  parseNetworks,
  refuseSocket,
} from '../src/index.ts';
import { bare, listen, temporaryFolder, until } from './helpers.ts';
import { proxyHeader } from './proxy.ts';

const trusted = parseNetworks('127.0.0.0/8');
const request = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
const upgradeOf = (header = '') =>
  `GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n${header}\r\n`;
const from = (client: string) => `x-forwarded-for: ${client}\r\n`;

let listener: Listener;
afterEach(() => listener?.close(0));

async function ask(bytes: Buffer | string): Promise<string> {
  const { socket, told } = bare(listener.port);
  socket.write(bytes);
  return (await told).slice(0, 12);
}

/** Upgrades that are taken and stay open until the other side leaves, by the address they were given with. */
function keeping() {
  const addresses: string[] = [];
  const onUpgrade: OnUpgrade = (_request, socket, _head, address) => {
    addresses.push(address);
    socket.resume().once('end', () => socket.end());
  };
  return { addresses, onUpgrade };
}

it('counts requests by the client that a named proxy names, and by nobody else', async () => {
  listener = await listen({ requestBurst: 2, maxRequestsPerMinute: 1 }, { trusted });
  const as = (client: string) => ask(request.replace('connection', `${from(client)}connection`));
  expect([await as('1.1.1.1'), await as('1.1.1.1'), await as('1.1.1.1'), await as('2.2.2.2')]).toEqual([
    'HTTP/1.1 200',
    'HTTP/1.1 200',
    'HTTP/1.1 429',
    'HTTP/1.1 200',
  ]);
  // One /64 is one client; what is malformed is the proxy's own.
  expect([await as('2001:db8::1'), await as('2001:db8::2'), await as('2001:db8::3')]).toContain('HTTP/1.1 429');
  expect([await as('nobody'), await as('??'), await as('x.y')]).toEqual([
    'HTTP/1.1 200',
    'HTTP/1.1 200',
    'HTTP/1.1 429',
  ]);
});

it('does not read the header of a stranger', async () => {
  listener = await listen({ requestBurst: 2, maxRequestsPerMinute: 1 }, { trusted: parseNetworks('10.0.0.0/8') });
  const answers: string[] = [];
  for (let i = 0; i < 3; i++) answers.push(await ask(request.replace('connection', `${from(`1.1.1.${i}`)}connection`)));
  expect(answers).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 429']);
});

it('counts an upgraded connection as the client that it belongs to', async () => {
  const hits: ListenerHit[] = [];
  const { addresses, onUpgrade } = keeping();
  listener = await listen(
    { maxConnectionsPerAddress: 2 },
    { trusted, onUpgrade, onLimit: (name) => void hits.push(name) },
  );
  const upgrade = (client: string) => {
    const opened = bare(listener.port);
    opened.socket.write(upgradeOf(from(client)));
    return opened;
  };
  const first = upgrade('1.1.1.1');
  upgrade('1.1.1.1');
  upgrade('2001:db8::5');
  await until(() => addresses.length === 3);
  expect(addresses.sort()).toEqual(['1.1.1.1', '1.1.1.1', '2001:db8:0:0::/64']);
  expect(await upgrade('1.1.1.1').told).toMatch(
    /^HTTP\/1.1 503 [\s\S]*retry-after: \d+\r\n[\s\S]*host.too_many_connections/,
  );
  expect(hits).toEqual(['maxConnectionsPerAddress']);
  first.socket.destroy();
  await until(() => listener.connections === 2);
  upgrade('1.1.1.1');
  await until(() => addresses.length === 4);
});

it('takes the client from a PROXY header, before HTTP, in pieces or together with the request', async () => {
  const { addresses, onUpgrade } = keeping();
  listener = await listen({}, { trusted, proxyProtocol: true, onUpgrade });
  expect(await ask(Buffer.concat([proxyHeader('1.2.3.4'), Buffer.from(request)]))).toBe('HTTP/1.1 200');
  const slow = bare(listener.port);
  for (const byte of Buffer.concat([proxyHeader('2001:db8:0:0:0:0:0:7'), Buffer.from(upgradeOf())])) {
    slow.socket.write(Buffer.from([byte]));
    if (byte === 0x0a) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await until(() => addresses.length === 1);
  bare(listener.port).socket.write(Buffer.concat([proxyHeader('1.2.3.4'), Buffer.from(upgradeOf(from('9.9.9.9')))]));
  await until(() => addresses.length === 2);
  bare(listener.port).socket.write(
    Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex'), Buffer.from(upgradeOf())]),
  );
  await until(() => addresses.length === 3);
  // A client that the proxy names is no proxy: its own X-Forwarded-For is not read. LOCAL is the proxy itself.
  expect(addresses).toEqual(['2001:db8:0:0::/64', '1.2.3.4', '127.0.0.1']);
});

it('takes the client from a PROXY header before TLS', async () => {
  const folder = temporaryFolder();
  const tls = await loadOrCreateCertificate(openHome(`${folder.path}/home`), ['127.0.0.1'], Date.now());
  const { addresses, onUpgrade } = keeping();
  listener = await listen({ maxConnectionsPerAddress: 1 }, { trusted, proxyProtocol: true, tls, onUpgrade });
  const over = async (): Promise<ReturnType<typeof tlsConnect>> => {
    const socket = netConnect(listener.port, '127.0.0.1');
    socket.write(proxyHeader('1.2.3.4'));
    const secure = tlsConnect({ socket, ca: tls.cert, host: '127.0.0.1' });
    await once(secure, 'secureConnect');
    return secure;
  };
  (await over()).write(upgradeOf());
  await until(() => addresses.length === 1);
  expect(addresses).toEqual(['1.2.3.4']);
  const second = await over();
  second.write(request);
  const [told] = await once(second, 'data');
  expect(String(told)).toMatch(/^HTTP\/1.1 503 /);
  folder.remove();
});

it.each([
  ['no header', request],
  ['version 1', 'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'],
  ['a header that is cut off', proxyHeader('1.2.3.4').subarray(0, 20)],
  ['nothing', ''],
])('cuts %s without a word', async (_name, bytes) => {
  const hits: ListenerHit[] = [];
  listener = await listen(
    { headerSeconds: 1 },
    { trusted, proxyProtocol: true, onLimit: (name) => void hits.push(name) },
  );
  const { socket, told } = bare(listener.port);
  socket.write(bytes);
  expect(await told).toBe('');
  expect(hits).toEqual(['proxyHeader']);
  await until(() => listener.connections === 0);
});

it('takes no PROXY header from a stranger, even a right one, and needs somebody to be named', async () => {
  listener = await listen({}, { trusted: parseNetworks('10.0.0.0/8'), proxyProtocol: true });
  expect(await ask(Buffer.concat([proxyHeader('1.2.3.4'), Buffer.from(request)]))).toBe('');
  expect(listener.connections).toBe(0);
  await expect(listen({}, { proxyProtocol: true })).rejects.toMatchObject({ code: 'host.bad_config' });
});

it('bounds connections that have not said whose they are, together', async () => {
  listener = await listen({ maxConnections: 3, maxConnectionsPerAddress: 1 }, { trusted, proxyProtocol: true });
  for (let i = 0; i < 3; i++) bare(listener.port);
  await until(() => listener.connections === 3);
  expect(await ask(Buffer.concat([proxyHeader('1.2.3.4'), Buffer.from(request)]))).toBe('HTTP/1.1 503');
});

it('tells a refused upgrade when to come back', async () => {
  listener = await listen(
    {},
    { onUpgrade: (_, socket) => refuseSocket(socket, fail('relay.rate_limited'), { 'retry-after': '7' }) },
  );
  const { socket, told } = bare(listener.port);
  socket.write(upgradeOf());
  expect(await told).toContain('\r\nretry-after: 7\r\n');
});
