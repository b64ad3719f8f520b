import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, connect, getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { keyOf } from '@caponier/protocol';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { membershipOf } from '../domains/relay/test/hello.ts';
import { Connection, deviceFrom } from '../domains/relay/test/second-implementation/client.mjs';
import { loadOrCreateCertificate, openHome } from '../foundation/host/src/index.ts';
import {
  findProgram,
  freePort,
  makeOwner,
  seededRandom,
  type TestOwner,
  whereEngine,
} from '../lab/testkit/src/index.ts';
import { type RelayProcess, relayHome, startRelay } from '../surfaces/cli/test/relay-home.ts';
import { connected } from '../surfaces/sdk/test/relay/support.ts';
import { caddy, nginx, type ProxyPlace, type ShippedProxy } from './proxies.ts';

/** One relay behind each proxy that deploy/ has an example for, as it is shipped. */

interface Running extends ShippedProxy {
  readonly port: number;
  readonly child: ChildProcess;
  /** A device that says nothing, from the start on, and how often it was asked whether it is there. */
  readonly quiet: Connection;
  asked(): number;
}

const burst = 40;
const health = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n';
const folder = mkdtempSync(join(tmpdir(), 'caponier-proxies-'));
const home = relayHome();
const relayDid = JSON.parse(readFileSync(join(home.path, 'deployment.json'), 'utf8')).services[0].key;
const authorities = getCACertificates('default');
const programs: readonly (readonly [string, number, (place: ProxyPlace) => ShippedProxy])[] = [
  ['nginx', 10, nginx],
  ['caddy', 20, caddy],
];
// Clients of several addresses: elsewhere 127.0.0.1 is the only one of its kind.
const isThere = (program: string) => process.platform === 'linux' && findProgram(program) !== undefined;
const running = new Map<string, Running>();
let owner: TestOwner;
let relay: RelayProcess | undefined;

async function start(make: (place: ProxyPlace) => ShippedProxy, place: ProxyPlace): Promise<Running> {
  const proxy = make(place);
  const child = proxy.start();
  await vi.waitFor(() => ask({ port: place.port }), { timeout: 20_000 });
  const quiet = new Connection(`wss://localhost:${place.port}`);
  let pongs = 0;
  const send = quiet.send.bind(quiet);
  quiet.send = (name, ...rest) => {
    if (name === 'pong') pongs++;
    send(name, ...rest);
  };
  const phone = deviceFrom(Buffer.from(seededRandom('signer ada device phone')(32)), owner.id, membershipOf(owner));
  await quiet.prove(phone, Buffer.from(keyOf(relayDid, 'ed25519')), { mode: 'shared' });
  return { ...proxy, port: place.port, child, quiet, asked: () => pongs };
}

beforeAll(async () => {
  owner = await makeOwner();
  const { key, cert } = await loadOrCreateCertificate(openHome(join(folder, 'made')), ['localhost'], Date.now());
  setDefaultCACertificates([...authorities, cert]);
  relay = await startRelay(home.path, [
    ...['--trust-proxy', '127.0.0.1', '--limit', 'pingMs=1000'],
    ...['--request-burst', String(burst), '--max-requests-per-minute', '1'],
  ]);
  for (const [program, , make] of programs.filter(([name]) => isThere(name))) {
    const place = { folder: join(folder, program), port: await freePort(), relayPort: relay.port };
    mkdirSync(place.folder);
    writeFileSync(join(place.folder, 'cert.pem'), cert);
    writeFileSync(join(place.folder, 'key.pem'), key, { mode: 0o600 });
    running.set(program, await start(make, place));
  }
});
afterAll(async () => {
  setDefaultCACertificates(authorities);
  for (const { child, quiet } of running.values()) {
    quiet.socket.close();
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
  relay?.child.kill('SIGKILL');
  await relay?.ended;
  home.remove();
  rmSync(folder, { recursive: true });
});

/** The status of an answer. */
async function ask(options: RequestOptions): Promise<number> {
  const asked = request({ host: 'localhost', family: 4, path: '/healthz', agent: false, ...options }).end();
  const [answer] = await once(asked, 'response');
  answer.resume();
  return answer.statusCode;
}

async function dial(port: number, options: ConnectionOptions & { localAddress?: string } = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

describe.each(programs)('%s', (program, net, _) => {
  const itRuns = whereEngine(test, program, isThere(program));
  const it = () => running.get(program)!;
  const client = (n: number) => `127.0.0.${net + n}`;

  itRuns('finds nothing wrong with what is shipped', () => {
    expect(it().check()).toBe('');
  });

  itRuns('carries mail and streams of devices', async () => {
    const join = ({ signer }: TestOwner['box']) =>
      connected(`wss://localhost:${it().port}`, owner, signer, { relay: relayDid });
    const [laptop, box] = [await join(owner.laptop), await join(owner.box)];
    const to = keyOf(owner.box.did, 'ed25519');
    const bytes = Buffer.from(seededRandom('mail')(200_000));
    const got = new Promise<Uint8Array>((resolve) => box.receiveMail(async ({ body }) => resolve(body)));
    const over = Promise.withResolvers<void>();
    box.acceptStreams(() => async (stream) => {
      for await (const message of stream.messages) await stream.send(message);
      over.resolve();
    });
    await laptop.sendMail(to, Buffer.from(program.padEnd(16)), bytes);
    expect(bytes.equals(await got)).toBe(true);
    const stream = await laptop.openStream(to, 7);
    const echoes = stream.messages[Symbol.asyncIterator]();
    for (let at = 0; at < 100_000; at += 10_000) {
      const sent = bytes.subarray(at, at + 30_000);
      await stream.send(sent);
      expect(sent.equals((await echoes.next()).value)).toBe(true);
    }
    stream.close();
    await over.promise;
  });

  itRuns('says whose a connection is, whatever the client says', async () => {
    const { port } = it();
    const claims = (n: number) => ({ 'X-Forwarded-For': `203.0.113.${n}`, Forwarded: `for=203.0.113.${n}` });
    const localAddress = client(2);
    const statuses = new Set<number>();
    for (let n = 0; n < burst; n++) statuses.add(await ask({ port, localAddress, headers: claims(n) }));
    expect([...statuses]).toEqual([200]);
    expect(await ask({ port, localAddress, headers: claims(99) })).toBe(429);
    expect(await ask({ port, localAddress: client(3) })).toBe(200);
    const upgraded = new WebSocket(`wss://localhost:${port}`, { localAddress, family: 4, headers: claims(98) });
    const [, answer] = (await once(upgraded, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(answer.statusCode).toBe(429);
    upgraded.on('error', () => {}).terminate();
  });

  itRuns('speaks TLS from 1.2 on, with forward secrecy, HTTP/1.1 in it, and nothing else', async () => {
    const { port } = it();
    const agreed = async (options: ConnectionOptions) => {
      const socket = await dial(port, options).catch(() => null);
      const protocol = socket?.getProtocol() ?? null;
      socket?.destroy();
      return protocol;
    };
    const old = { minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' } as const;
    expect(await agreed({})).toBe('TLSv1.3');
    expect(await agreed({ ...old, maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
    expect(await agreed({ ...old, maxVersion: 'TLSv1.1' })).toBe(null);
    expect(await agreed({ maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA' })).toBe(null);
    const newer = await dial(port, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(newer.alpnProtocol).toBe('http/1.1');
    newer.destroy();
    const plain = connectPlain(port, '127.0.0.1');
    plain.end(`${health}\r\n`);
    expect(String((await once(plain, 'data'))[0])).toMatch(/^HTTP\/1\.[01] 400 /);
  });

  itRuns('refuses headers that are too large', async () => {
    const told = async (text: string) => {
      const socket = await dial(it().port);
      socket.on('error', () => {});
      socket.write(text);
      let all = '';
      socket.on('data', (piece) => (all += piece));
      await once(socket, 'close');
      return /^HTTP\/1\.1 (\d+) /.exec(all)?.[1];
    };
    expect(await told(`${health}\r\n`)).toBe('200');
    expect(await told(`${health}X-Long: ${'x'.repeat(40_000)}\r\n\r\n`)).toMatch(/^4(00|31)$/);
  });

  itRuns('leaves a device connected that has nothing to say', async () => {
    // For longer than nginx waits here for a word of the relay.
    await expect.poll(() => it().asked(), { timeout: 30_000 }).toBeGreaterThan(3);
    expect(it().quiet.socket.readyState).toBe(WebSocket.OPEN);
  });
});

describe.each(programs)('%s, when the relay is gone', (program, net) => {
  const itRuns = whereEngine(test, program, isThere(program));

  itRuns('says so, and logs neither a client’s address nor its headers', async () => {
    const { port, log } = running.get(program)!;
    const [localAddress, secret] = [`127.0.0.${net + 4}`, 'what-the-client-sent'];
    const left = await dial(port, { localAddress });
    left.write(`GET / HTTP/1.1\r\nHost: localhost\r\nX-Own: ${secret}\r\n`);
    left.destroy();
    const wrong = connect({
      host: '127.0.0.1',
      port,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      localAddress,
    } as object);
    await once(wrong, 'error');
    relay!.child.kill('SIGKILL');
    await relay!.ended;
    expect(await ask({ port, localAddress, headers: { 'X-Own': secret } })).toBe(502);
    expect(log()).not.toContain(localAddress);
    expect(log()).not.toContain(secret);
  });
});
