import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect as connectPlain, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { type Certificate, loadOrCreateCertificate, openHome } from '@caponier/host';
import { type Pebble, pebbleWorks, startPebble, whereEngine } from '@caponier/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type RelayProcess, refusedRelay, relayHome, startRelay } from './relay-home.ts';

const folder = mkdtempSync(join(tmpdir(), 'caponier-relay-tls-'));
const at = (name: string) => join(folder, name);
let relay: RelayProcess | undefined;
const homes: { remove(): void }[] = [];
let made = 0;

afterEach(async () => {
  relay?.child.kill('SIGKILL');
  await relay?.ended;
  relay = undefined;
  for (const home of homes.splice(0)) home.remove();
});
afterAll(() => rmSync(folder, { recursive: true }));

function newHome(members: object = {}): string {
  const home = relayHome(members);
  homes.push(home);
  return home.path;
}

const fresh = (): Promise<Certificate> =>
  loadOrCreateCertificate(openHome(at(`made-${made++}`)), ['127.0.0.1'], Date.now());

async function dial(port: number, servername?: string, ca?: string): Promise<TLSSocket> {
  const options = ca === undefined ? { rejectUnauthorized: false } : { ca };
  const socket = connect({ host: '127.0.0.1', port, ...options, ...(servername && { servername }) });
  await once(socket, 'secureConnect');
  return socket;
}

const healthz = 'GET /healthz HTTP/1.1\r\nhost: relay\r\nconnection: close\r\n\r\n';

async function until(look: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await look()); await new Promise((resolve) => setTimeout(resolve, 50))) {
    if (Date.now() > end) throw new Error('it did not come to hold');
  }
}

describe('a relay serves TLS', () => {
  const itWithPebble = whereEngine(test, 'pebble', pebbleWorks());
  let pebble: Pebble | undefined;
  beforeAll(async () => {
    const { key, cert } = await fresh();
    mkdirSync(at('pebble'));
    writeFileSync(at('authority.pem'), cert);
    if (pebbleWorks()) pebble = await startPebble({ folder: at('pebble'), key, cert });
  });
  afterAll(() => pebble?.stop());

  itWithPebble('with a certificate that it gets for itself', async () => {
    // What an operator of a private authority sets.
    process.env.NODE_EXTRA_CA_CERTS = at('authority.pem');
    relay = await startRelay(newHome(), [
      ...['--acme-names', 'relay.example.org', '--acme-agree-terms', 'yes', '--acme-directory', pebble!.directory],
      ...['--acme-port', String(pebble!.challengePort)],
    ]);
    delete process.env.NODE_EXTRA_CA_CERTS;
    const socket = await dial(relay.port, 'relay.example.org', await pebble!.root());
    socket.write(healthz);
    expect([socket.authorized, String((await once(socket, 'data'))[0])]).toEqual([
      true,
      expect.stringMatching(/^HTTP\/1.1 200 /),
    ]);
    socket.destroy();
  });

  test('with files that something else renews, and takes new ones without a restart', async () => {
    const [first, second] = [await fresh(), await fresh()];
    const write = ({ key, cert }: Certificate) => {
      writeFileSync(at('cert.pem'), cert);
      writeFileSync(at('key.pem'), key, { mode: 0o600 });
    };
    write(first);
    relay = await startRelay(newHome(), ['--tls-key', at('key.pem'), '--tls-cert', at('cert.pem')]);
    const serial = async () => {
      const socket = await dial(relay!.port);
      const { serialNumber } = socket.getPeerX509Certificate()!;
      socket.destroy();
      return serialNumber;
    };
    const before = await serial();
    writeFileSync(at('cert.pem'), 'half a certif');
    await until(() => relay!.lines.some(({ event }) => event === 'certificate.refused'));
    expect(await serial()).toBe(before);
    write(second);
    await until(async () => (await serial()) !== before);
  });

  test('and tightens the folder of its certificate on the first boot', async () => {
    const home = newHome({ tls: true });
    mkdirSync(join(home, 'tls'));
    chmodSync(join(home, 'tls'), 0o755);
    relay = await startRelay(home);
    expect(relay.lines.map(({ event }) => event)).toContain('folder.tightened');
    (await dial(relay.port)).destroy();
  });
});

test('a relay behind a proxy that speaks the PROXY protocol answers only through it', async () => {
  relay = await startRelay(newHome(), ['--proxy-protocol', '--trust-proxy', '127.0.0.1']);
  const ask = async (bytes: Buffer | string) => {
    const socket = connectPlain(relay!.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(bytes);
    let told = '';
    socket.on('data', (piece) => (told += piece));
    await once(socket, 'close');
    return told.slice(0, 12);
  };
  const header = Buffer.from('0d0a0d0a000d0a515549540a2111000c0102030405060708303901bb', 'hex');
  expect(await ask(Buffer.concat([header, Buffer.from(healthz)]))).toBe('HTTP/1.1 200');
  expect(await ask(healthz)).toBe('');
});

describe('a relay does not start', () => {
  const looseKey = () => {
    writeFileSync(at('loose.pem'), 'x');
    chmodSync(at('loose.pem'), 0o644);
    return ['--tls-key', at('loose.pem'), '--tls-cert', at('loose.pem')];
  };
  const looseFolder = (home: string) => {
    openHome(join(home, 'tls')).write('tls-key.pem', new Uint8Array(1));
    chmodSync(join(home, 'tls'), 0o755);
    return [];
  };
  const looseSigner = (home: string) => {
    chmodSync(join(home, 'keys', 'relay.key'), 0o604);
    return [];
  };
  let taken = 0;
  const other = createServer();
  beforeAll(async () => {
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    taken = (other.address() as AddressInfo).port;
  });
  afterAll(() => void other.close());
  type Case = [string, string[] | ((home: string) => string[]), Record<string, string>, string];

  test.each<Case>([
    ['in plaintext beyond this machine', ['--host', '0.0.0.0', '--admission', 'ticket'], {}, 'host.public_plaintext'],
    ['with a key that others may read', looseSigner, {}, 'host.loose_permissions'],
    ['with a key of its certificate that others may read', looseKey, {}, 'host.loose_permissions'],
    ['with a folder of certificates that others may enter', looseFolder, {}, 'host.loose_permissions'],
    ['before somebody agrees to the terms', ['--acme-names', 'relay.example.org'], {}, '--acme-agree-terms'],
    ['with a misspelt variable', [], { CAPONIER_MAX_CONECTIONS: '5' }, 'is CAPONIER_MAX_CONNECTIONS meant?'],
    [
      'with a share above the whole',
      ['--max-connections', '10', '--max-connections-per-address', '11'],
      {},
      '--max-connections-per-address (11) cannot be above --max-connections (10)',
    ],
    ['on a port that is taken', () => ['--port', String(taken)], {}, 'EADDRINUSE'],
    ['with proxies that it is not told', ['--proxy-protocol'], {}, '--proxy-protocol needs --trust-proxy'],
    ['trusting a name', [], { CAPONIER_TRUST_PROXY: 'proxy.example' }, 'is not an address or a network'],
  ])('%s', async (_, given, more, said) => {
    const home = newHome({ tls: given === looseFolder });
    const { code, err } = await refusedRelay(home, typeof given === 'function' ? given(home) : given, more);
    expect([code, err]).toEqual([2, expect.stringContaining(said)]);
    expect(err).toContain('hint: ');
  });
});
