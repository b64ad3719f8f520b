import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { fail } from '@caponier/protocol';
import type { Home } from './home.ts';

const DAY = 24 * 3600 * 1000;

/** Days a certificate is good for. Clients look at its key, not at its dates; browsers take no more than 825. */
const VALID_DAYS = 800;

/** Days before its end at which it is made anew, with the same key: pins stay good. */
const RENEW_DAYS = 60;

/** Milliseconds a certificate is dated back, for clients whose clock is behind. */
const DATED_BACK = DAY;

export interface Certificate {
  /** PEM (PKCS#8). */
  readonly key: string;
  /** PEM. */
  readonly cert: string;
  /** SHA-256 of the public key (SPKI, DER), base64url: what clients pin. */
  readonly pin: string;
}

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

function pinOf(key: string): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64url');
}

/** Whether a certificate that is there still serves: same key, same hosts, not about to end. */
function stillGood(cert: string, key: string, hosts: readonly string[], now: number): boolean {
  const x509 = new X509Certificate(cert);
  const named = hosts.every((host) => (isIP(host) ? x509.checkIP(host) : x509.checkHost(host)) !== undefined);
  return named && x509.checkPrivateKey(createPrivateKey(key)) && x509.validToDate.getTime() - RENEW_DAYS * DAY > now;
}

async function issue(key: string, hosts: readonly string[], now: number): Promise<string> {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
  // Loaded when it is needed, which is once: it is larger than everything else a service starts with.
  const { generate } = await import('selfsigned');
  const { cert } = await generate([{ name: 'commonName', value: 'caponier' }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    keyPair: { privateKey: key, publicKey },
    notBeforeDate: new Date(now - DATED_BACK),
    notAfterDate: new Date(now + VALID_DAYS * DAY),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: hosts.map((host) => (isIP(host) ? { type: 7, ip: host } : { type: 2, value: host })),
      },
    ],
  });
  return cert;
}

/**
 * The self-signed P-256 certificate of this home, made on first use, and made anew with the same key when the hosts change
 * or it is about to end. `hosts` are names and addresses; `now` in milliseconds since the epoch. Throws
 * `crypto.bad_key_file` where the files are damaged.
 */
export async function loadOrCreateCertificate(home: Home, hosts: readonly string[], now: number): Promise<Certificate> {
  if (hosts.length === 0) throw fail('host.bad_config', 'a certificate names at least one host');
  try {
    let key = text(home.read('tls-key.pem'));
    if (key === undefined) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const made = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      key = home.create('tls-key.pem', new TextEncoder().encode(made))
        ? made
        : (text(home.read('tls-key.pem')) ?? made);
    }
    const known = text(home.read('tls-cert.pem'));
    if (known !== undefined && stillGood(known, key, hosts, now)) return { key, cert: known, pin: pinOf(key) };
    const cert = await issue(key, hosts, now);
    home.write('tls-cert.pem', new TextEncoder().encode(cert));
    return { key, cert, pin: pinOf(key) };
  } catch (error) {
    if (error instanceof Error && 'opensslErrorStack' in error) throw fail('crypto.bad_key_file', 'tls', error);
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw code.startsWith('ERR_OSSL') ? fail('crypto.bad_key_file', 'tls', error) : error;
  }
}
