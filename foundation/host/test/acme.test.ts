import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect as connectPlain, createServer } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { freePort, type Pebble, pebbleWorks, startPebble, whereEngine } from '@caponier/testkit';
import acme from 'acme-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  acmeCertificate,
  type CertificateSource,
  type Listener,
  loadOrCreateCertificate,
  openHome,
  systemRandom,
} from '../src/index.ts';
import { openChallenges } from '../src/tls/acme/challenges.ts';
import { listen, logLines, pause, temporaryFolder, until } from './helpers.ts';

const DAY = 24 * 3600 * 1000;
const present = pebbleWorks();
const itWithPebble = whereEngine(it, 'pebble', present);

let folder: ReturnType<typeof temporaryFolder>;
let pebble: Pebble | undefined;
let lines: ReturnType<typeof logLines>;
let ahead = 0;
let ticks: (() => void)[] = [];
let source: CertificateSource | undefined;
let listener: Listener | undefined;

beforeAll(async () => {
  folder = temporaryFolder();
  if (present) {
    const { key, cert } = await loadOrCreateCertificate(openHome(`${folder.path}/pebble`), ['127.0.0.1'], Date.now());
    pebble = await startPebble({ folder: folder.path, key, cert });
  }
  acme.axios.defaults.httpsAgent = pebble?.agent;
});
afterAll(async () => {
  await pebble?.stop();
  folder.remove();
});
beforeEach(() => {
  lines = logLines();
  ahead = 0;
  ticks = [];
});
afterEach(async () => {
  await listener?.close(0);
  source?.close();
  source = listener = undefined;
});

const tick = () => {
  for (const work of ticks) work();
};

const open = (name: string, changes: Partial<Parameters<typeof acmeCertificate>[0]> = {}) =>
  acmeCertificate({
    folder: openHome(`${folder.path}/${name}`),
    directory: pebble?.directory ?? 'https://127.0.0.1:1/dir',
    names: [`${name}.example.com`, `www.${name}.example.com`],
    email: 'operator@example.com',
    agreedToTerms: true,
    challenge: { host: '127.0.0.1', port: pebble?.challengePort ?? 0 },
    log: lines.log,
    clock: () => Date.now() + ahead,
    random: systemRandom,
    every: (_ms, work) => {
      ticks.push(work);
      return () => {};
    },
    ...changes,
  });

async function dial(name: string, ca: string): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port: listener?.port, servername: name, ca });
  await once(socket, 'secureConnect');
  return socket;
}

describe('a certificate by ACME', () => {
  itWithPebble(
    'is ordered, served with, kept, and renewed under an open connection',
    async () => {
      source = await open('relay');
      listener = await listen({}, { tls: source });
      const root = await pebble!.root();
      // The chain leads to the authority's root, and the name is checked: this is what any client does.
      const before = await dial('www.relay.example.com', root);
      const first = before.getPeerX509Certificate()!;
      expect([before.authorized, first.checkHost('relay.example.com')]).toEqual([true, 'relay.example.com']);
      await expect(dial('other.example.com', root)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
      const home = openHome(`${folder.path}/relay`);
      for (const file of ['acme-account.pem', 'acme-relay.example.com.pem']) {
        expect(statSync(home.file(file)).mode & 0o777).toBe(0o600);
      }
      expect([source.pin, lines.events()]).toEqual([null, ['certificate.ordering']]);

      // A start that finds it asks nobody.
      const again = await open('relay', { directory: 'https://127.0.0.1:1/dir' });
      expect(again.cert).toBe(source.cert);
      again.close();

      ahead = source.ends - Date.now() - 20 * DAY;
      tick();
      await until(() => lines.events().includes('certificate.renewed'), 20_000);
      const after = await dial('relay.example.com', root);
      expect(after.authorized).toBe(true);
      expect(after.getPeerX509Certificate()!.serialNumber).not.toBe(first.serialNumber);
      before.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      expect(String((await once(before, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /);
      before.destroy();
      after.destroy();
    },
    60_000,
  );

  itWithPebble(
    'that cannot be renewed is served until its end, with longer and longer pauses between attempts',
    async () => {
      source = await open('gate');
      const { cert } = source;
      const taken = createServer().listen(pebble!.challengePort, '127.0.0.1');
      await once(taken, 'listening');
      ahead = source.ends - Date.now() - 20 * DAY;
      const pauses: number[] = [];
      for (let n = 1; n <= 9; n++) {
        tick();
        await until(() => lines.of('certificate.failed').length === n);
        const { reason, ms } = lines.of('certificate.failed')[n - 1] as { reason: string; ms: number };
        expect(reason).toBe('challenge-port');
        pauses.push(ms / 60_000);
        tick();
        await pause(10);
        expect(lines.of('certificate.failed')).toHaveLength(n);
        ahead += ms + 1;
      }
      const base = [5, 10, 20, 40, 80, 160, 320, 640, 720];
      expect(pauses.every((minutes, i) => minutes >= base[i]! && minutes <= base[i]! * 1.2)).toBe(true);
      expect(source.cert).toBe(cert);
      taken.close();
      await once(taken, 'close');
      tick();
      await until(() => source?.cert !== cert, 20_000);
    },
    60_000,
  );

  itWithPebble(
    'is waited for at the first start, with the reason in a word, until names lead here',
    async () => {
      const port = await freePort();
      let resume = () => {};
      const sleep = () => new Promise<void>((resolve) => (resume = resolve));
      const opened = open('slow', { challenge: { host: '127.0.0.1', port }, sleep });
      await until(() => lines.events().includes('certificate.failed'), 30_000);
      expect(lines.of('certificate.failed')).toMatchObject([
        { kind: 'acme', reason: 'challenge-not-fetched', count: 1 },
      ]);
      expect(JSON.stringify(lines.all())).not.toContain('example.com');
      // What an operator does about it: port 80 is forwarded.
      const forward = createServer((socket) => {
        const onward = connectPlain(port, '127.0.0.1');
        socket.pipe(onward).pipe(socket);
        for (const end of [socket, onward]) end.on('error', () => end.destroy());
      }).listen(pebble!.challengePort, '127.0.0.1');
      ahead = 20 * 60_000;
      resume();
      source = await opened;
      expect(source.cert).toContain('BEGIN CERTIFICATE');
      forward.close();
    },
    60_000,
  );

  itWithPebble(
    'is ordered once, whoever of one home comes first',
    async () => {
      const resumes: (() => void)[] = [];
      const sleep = () => new Promise<void>((resolve) => void resumes.push(resolve));
      const both = [open('pair', { sleep }), open('pair', { sleep })] as const;
      await until(() => resumes.length === 1);
      source = await Promise.race(both);
      ahead = 10_000;
      resumes[0]!();
      const [one, two] = await Promise.all(both);
      expect(one.cert).toBe(two.cert);
      expect(lines.events()).toEqual(['certificate.ordering']);
      one.close();
      two.close();
    },
    60_000,
  );

  it('needs a person to agree to the terms', async () => {
    await expect(open('terms', { agreedToTerms: false })).rejects.toMatchObject({ code: 'host.bad_config' });
  });
});

describe('challenges', () => {
  it('are told to whoever asks for exactly them, and nothing else is', async () => {
    const challenges = await openChallenges({ host: '127.0.0.1', port: 0 });
    challenges.put('token-0123456789abcdefghij', 'answer');
    const get = async (path: string, init: RequestInit = {}) => {
      const answer = await fetch(`http://127.0.0.1:${challenges.port}${path}`, init);
      return [answer.status, await answer.text()];
    };
    const path = '/.well-known/acme-challenge/token-0123456789abcdefghij';
    expect(await get('/')).toEqual([404, '']);
    expect(await get('/.well-known/acme-challenge/')).toEqual([404, '']);
    expect(await get('/.well-known/acme-challenge/__proto__')).toEqual([404, '']);
    expect(await get(path, { method: 'POST' })).toEqual([404, '']);
    expect(challenges.fetched).toBe(false);
    expect(await get(path)).toEqual([200, 'answer']);
    expect(challenges.fetched).toBe(true);
    challenges.remove('token-0123456789abcdefghij');
    expect(await get(path)).toEqual([404, '']);
    await challenges.close();
  });

  it('cannot be kept from the authority by one address that takes every place', async () => {
    const challenges = await openChallenges({ host: '127.0.0.1', port: 0 });
    const dial = (localAddress: string) => connectPlain({ host: '127.0.0.1', port: challenges.port, localAddress });
    const sockets = Array.from({ length: 300 }, () => dial('127.0.0.1').on('error', () => {}));
    await until(() => sockets.filter(({ closed }) => closed).length > 200);
    const other = dial('127.0.0.2');
    other.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    const [answer] = await once(other, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1.1 404 /);
    for (const socket of sockets) socket.destroy();
    await challenges.close();
  });
});
