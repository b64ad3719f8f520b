import { X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Home, loadOrCreateCertificate, openHome } from '../src/index.ts';
import { temporaryFolder } from './helpers.ts';

const now = Date.UTC(2030, 0, 1);
const day = 24 * 3600 * 1000;
let folder: ReturnType<typeof temporaryFolder>;
let home: Home;
beforeEach(() => {
  folder = temporaryFolder();
  home = openHome(`${folder.path}/home`);
});
afterEach(() => folder.remove());

it('is made once, for exactly these hosts', async () => {
  const made = await loadOrCreateCertificate(home, ['box.local', '192.168.1.7', '::1'], now);
  expect(await loadOrCreateCertificate(home, ['box.local', '192.168.1.7', '::1'], now + day)).toEqual(made);
  const x509 = new X509Certificate(made.cert);
  expect(x509.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  expect([x509.checkHost('box.local'), x509.checkIP('192.168.1.7'), x509.ca]).toEqual([
    'box.local',
    '192.168.1.7',
    false,
  ]);
  expect([x509.checkHost('evil.local'), x509.checkIP('192.168.1.8')]).toEqual([undefined, undefined]);
  expect(x509.validFromDate.getTime()).toBeLessThanOrEqual(now);
  expect(statSync(home.file('tls-key.pem')).mode & 0o777).toBe(0o600);
});

it('keeps its key, and so its pin, when it is made anew', async () => {
  const made = await loadOrCreateCertificate(home, ['localhost'], now);
  const later = await loadOrCreateCertificate(home, ['localhost'], now + 790 * day);
  const moved = await loadOrCreateCertificate(home, ['localhost', 'box.local'], now + 790 * day);
  expect(new Set([made.cert, later.cert, moved.cert]).size).toBe(3);
  expect(new Set([made.pin, later.pin, moved.pin]).size).toBe(1);
  expect(new X509Certificate(later.cert).validToDate.getTime()).toBeGreaterThan(now + 1_500 * day);
});

it('says so when its files are damaged', async () => {
  await loadOrCreateCertificate(home, ['localhost'], now);
  const bad = expect.objectContaining({ code: 'crypto.bad_key_file' });
  const cert = home.read('tls-cert.pem')!;
  home.write('tls-cert.pem', new TextEncoder().encode('nothing'));
  await expect(loadOrCreateCertificate(home, ['localhost'], now)).rejects.toEqual(bad);
  home.write('tls-cert.pem', cert);
  home.write('tls-key.pem', new TextEncoder().encode('nothing'));
  await expect(loadOrCreateCertificate(home, ['localhost'], now)).rejects.toEqual(bad);
});
