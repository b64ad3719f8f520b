import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Certificate,
  type CertificateSource,
  certificateFiles,
  type Listener,
  loadOrCreateCertificate,
  openCertificate,
  openCertificateFolder,
  openHome,
  selfSigned,
  systemRandom,
} from '../src/index.ts';
import { listen, logLines, pause, temporaryFolder, until } from './helpers.ts';

const DAY = 24 * 3600 * 1000;

let folder: ReturnType<typeof temporaryFolder>;
let lines: ReturnType<typeof logLines>;
let now = Date.now();
let ticks: (() => void)[] = [];
let source: CertificateSource | undefined;
let listener: Listener | undefined;
let made = 0;

beforeEach(() => {
  folder = temporaryFolder();
  lines = logLines();
  now = Date.now();
  ticks = [];
});
afterEach(async () => {
  await listener?.close(0);
  source?.close();
  source = listener = undefined;
  folder.remove();
});

const clock = () => now;
const every = (_ms: number, work: () => void) => {
  ticks.push(work);
  return () => {};
};
const tick = () => {
  for (const work of ticks) work();
};

/** A fresh key with its certificate, begun at `from`. */
const fresh = (from = now): Promise<Certificate> =>
  loadOrCreateCertificate(openHome(join(folder.path, `made-${made++}`)), ['127.0.0.1'], from);

const at = (name: string) => join(folder.path, name);

function write({ key, cert }: Partial<Certificate>, where = folder.path): void {
  if (cert !== undefined) writeFileSync(join(where, 'cert.pem'), cert);
  if (key !== undefined) writeFileSync(join(where, 'key.pem'), key, { mode: 0o600 });
}

const open = (key = at('key.pem'), cert = at('cert.pem')) =>
  certificateFiles({ key, cert, log: lines.log, clock, every, settleTime: 50 });

describe('a certificate in files', () => {
  it('is served with, and the next one too, while the connections of the first stay open', async () => {
    const [first, second] = [await fresh(), await fresh()];
    write(first);
    source = open();
    listener = await listen({}, { tls: source });
    const dial = async () => {
      const socket = connect({ host: '127.0.0.1', port: listener?.port, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      return socket;
    };
    const serial = (pem: string) => new X509Certificate(pem).serialNumber;
    const before = await dial();
    expect(before.getPeerX509Certificate()!.serialNumber).toBe(serial(first.cert));
    write(second);
    await until(() => source?.cert === second.cert);
    const after = await dial();
    expect(after.getPeerX509Certificate()!.serialNumber).toBe(serial(second.cert));
    before.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    expect(String((await once(before, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /);
    expect(lines.of('certificate.renewed')).toMatchObject([{ kind: 'files', value: 799 }]);
    expect(source.pin).toBeNull();
    before.destroy();
    after.destroy();
  });

  it('is followed when a link is put in its place, as certbot and Kubernetes do', async () => {
    const [first, second] = [await fresh(), await fresh()];
    for (const [name, pair] of [
      ['one', first],
      ['two', second],
    ] as const) {
      mkdirSync(at(name));
      write(pair, at(name));
    }
    symlinkSync('one', at('..data'));
    symlinkSync('..data/key.pem', at('key.pem'));
    symlinkSync('..data/cert.pem', at('cert.pem'));
    source = open();
    expect(source.cert).toBe(first.cert);
    symlinkSync('two', at('..data-new'));
    renameSync(at('..data-new'), at('..data'));
    await until(() => source?.cert === second.cert);
    expect(lines.events()).toEqual(['certificate.renewed']);
  });

  it('is found in a folder that is never quiet', async () => {
    const [first, second] = [await fresh(), await fresh()];
    write(first);
    source = open();
    const timer = setInterval(() => writeFileSync(at('other'), 'x'), 10);
    write(second);
    await until(() => source?.cert === second.cert);
    clearInterval(timer);
  });

  it('is found by looking, where the folder that changes is not the one watched', async () => {
    const [first, second] = [await fresh(), await fresh()];
    mkdirSync(at('far'));
    mkdirSync(at('near'));
    write(first, at('far'));
    symlinkSync('../far/key.pem', at('near/key.pem'));
    symlinkSync('../far/cert.pem', at('near/cert.pem'));
    source = open(at('near/key.pem'), at('near/cert.pem'));
    write(second, at('far'));
    tick();
    await until(() => source?.cert === second.cert);
  });

  it.each([
    ['another’s certificate', 'mismatch', async () => write({ cert: (await fresh()).cert })],
    ['no certificate', 'unreadable', async () => write({ cert: 'nothing' })],
    ['half a certificate', 'unreadable', async () => write({ cert: (await fresh()).cert.slice(0, 300) })],
    ['one that is over', 'expired', async () => write(await fresh(now - 900 * DAY))],
    ['one that has not begun', 'future', async () => write(await fresh(now + 5 * DAY))],
    ['a key that others may read', 'loose', async () => chmodSync(at('key.pem'), 0o644)],
    [
      'a pipe',
      'unreadable',
      async () => {
        rmSync(at('cert.pem'));
        execFileSync('mkfifo', [at('cert.pem')]);
      },
    ],
    ['no key', 'missing', async () => rmSync(at('key.pem'))],
    [
      'a folder',
      'unreadable',
      async () => {
        rmSync(at('cert.pem'));
        mkdirSync(at('cert.pem'));
      },
    ],
    ['megabytes', 'unreadable', async () => write({ cert: 'x'.repeat(1024 * 1024) })],
  ])('that becomes %s is refused once, and what was good stays', async (_name, reason, change) => {
    const first = await fresh();
    write(first);
    source = open();
    await change();
    await until(() => lines.of('certificate.refused').length > 0);
    expect(lines.of('certificate.refused')).toMatchObject([{ kind: 'files', reason }]);
    expect([source.key, source.cert]).toEqual([first.key, first.cert]);
    tick();
    await pause(200);
    expect(lines.all()).toHaveLength(1);
    const second = await fresh();
    rmSync(at('cert.pem'), { recursive: true, force: true });
    rmSync(at('key.pem'), { force: true });
    write(second);
    await until(() => source?.cert === second.cert);
  });

  it.each([
    [
      'others may read its key',
      'host.loose_permissions',
      async () => {
        write(await fresh());
        chmodSync(at('key.pem'), 0o640);
      },
    ],
    ['it is over', 'host.bad_certificate', async () => write(await fresh(now - 900 * DAY))],
    [
      'the key is another’s',
      'host.bad_certificate',
      async () => write({ key: (await fresh()).key, cert: (await fresh()).cert }),
    ],
    ['there is none', 'host.bad_certificate', async () => {}],
  ])('does not start where %s', async (_name, code, prepare) => {
    await prepare();
    expect(() => open()).toThrow(expect.objectContaining({ code }));
  });

  it('that nears its end is warned of once a day, until there is a new one', async () => {
    const first = await fresh();
    write(first);
    source = open();
    const warned = () => lines.of('certificate.expiring').map(({ value }) => value);
    now = source.ends - 15 * DAY;
    tick();
    expect(warned()).toEqual([]);
    now = source.ends - 13.5 * DAY;
    for (let hour = 0; hour < 48; hour++, now += 3600 * 1000) tick();
    expect(warned()).toEqual([13, 12]);
    now = source.ends + DAY / 2;
    tick();
    expect(warned()).toEqual([13, 12, -1]);
    const next = await fresh(now);
    utimesSync(at('cert.pem'), new Date(), new Date());
    write(next);
    await until(() => source?.cert === next.cert);
    tick();
    expect(warned()).toHaveLength(3);
  });

  it('is left alone once it is closed', async () => {
    write(await fresh());
    const closed = open();
    const { cert } = closed;
    closed.close();
    write(await fresh());
    await pause(200);
    expect([closed.cert, lines.all()]).toEqual([cert, []]);
  });
});

describe('a self-signed certificate', () => {
  it('is made anew under a running listener, with the same pin', async () => {
    const home = openHome(at('tls'));
    source = await selfSigned({ folder: home, hosts: ['127.0.0.1'], log: lines.log, clock, every });
    const { cert, pin } = source;
    now += 745 * DAY;
    tick();
    await until(() => source?.cert !== cert);
    expect([source.pin, lines.events()]).toEqual([pin, ['certificate.renewed']]);
  });
});

describe('the folder of certificates', () => {
  const mode = () => statSync(at('tls')).mode & 0o777;

  it('is made for us alone', () => {
    openCertificateFolder(at('tls'), lines.log);
    expect([mode(), lines.all()]).toEqual([0o700, []]);
  });

  it('that others may enter is tightened on the first boot, and that is logged', () => {
    mkdirSync(at('tls'));
    chmodSync(at('tls'), 0o755);
    mkdirSync(at('tls/lost+found'));
    openCertificateFolder(at('tls'), lines.log);
    expect([mode(), lines.of('folder.tightened')]).toMatchObject([0o700, [{ reason: 'certificates' }]]);
  });

  it.each(['tls-key.pem', 'acme-account.pem', 'server.key'])(
    'with %s in it that others may enter is refused',
    (name) => {
      mkdirSync(at('tls'));
      writeFileSync(at(`tls/${name}`), 'x', { mode: 0o600 });
      chmodSync(at('tls'), 0o750);
      expect(() => openCertificateFolder(at('tls'), lines.log)).toThrow(
        expect.objectContaining({ code: 'host.loose_permissions' }),
      );
      expect([mode(), lines.all()]).toEqual([0o750, []]);
    },
  );

  it.each(['tls-cert.pem', 'anything'])('with %s in it that others may read is refused', (name) => {
    openCertificateFolder(at('tls'), lines.log);
    writeFileSync(at(`tls/${name}`), 'x');
    chmodSync(at(`tls/${name}`), 0o640);
    expect(() => openCertificateFolder(at('tls'), lines.log)).toThrow(
      expect.objectContaining({ code: 'host.loose_permissions' }),
    );
  });

  it('is no link and no file', () => {
    mkdirSync(at('other'));
    symlinkSync('other', at('tls'));
    expect(() => openCertificateFolder(at('tls'), lines.log)).toThrow(
      expect.objectContaining({ code: 'host.bad_config' }),
    );
  });

  it('is refused with a key in it that others may read, whatever wants it', async () => {
    const options = {
      settings: { kind: 'home' },
      folder: at('tls'),
      selfSignedFor: ['127.0.0.1'],
      host: '127.0.0.1',
      log: lines.log,
      clock,
      random: systemRandom,
    } as const;
    (await openCertificate(options))?.close();
    chmodSync(at('tls/tls-key.pem'), 0o604);
    await expect(openCertificate(options)).rejects.toMatchObject({ code: 'host.loose_permissions' });
    expect(await openCertificate({ ...options, selfSignedFor: undefined })).toBeUndefined();
  });
});
