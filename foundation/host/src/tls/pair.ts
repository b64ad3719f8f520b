import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import { tlsProtocol } from './protocol.ts';

/** A certificate and its key, checked against each other. */
export interface Pair {
  /** PEM (PKCS#8). */
  readonly key: string;
  /** PEM, the chain. */
  readonly cert: string;
  /** SHA-256 of the public key (SPKI, DER), base64url. */
  readonly pin: string;
  /** Milliseconds since the epoch. */
  readonly begins: number;
  readonly ends: number;
}

/** Why a pair cannot be served with. */
export type PairFault = 'missing' | 'loose' | 'unreadable' | 'mismatch' | 'expired' | 'future' | 'names';

function pinOf(key: KeyObject): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64url');
}

const names = (x509: X509Certificate, host: string) =>
  (isIP(host) ? x509.checkIP(host) : x509.checkHost(host)) !== undefined;

/**
 * The pair, if both parse, belong together, are in force at `now` (milliseconds) and name every one of `hosts`: then a
 * listener can take it. Otherwise what is wrong.
 */
export function judgePair(key: string, cert: string, now: number, hosts: readonly string[] = []): Pair | PairFault {
  let x509: X509Certificate;
  let secret: KeyObject;
  try {
    x509 = new X509Certificate(cert);
    secret = createPrivateKey(key);
  } catch {
    return 'unreadable';
  }
  if (!x509.checkPrivateKey(secret)) return 'mismatch';
  const [begins, ends] = [x509.validFromDate.getTime(), x509.validToDate.getTime()];
  if (ends <= now) return 'expired';
  if (begins > now) return 'future';
  if (!hosts.every((host) => names(x509, host))) return 'names';
  try {
    // The whole chain, and whether this library serves with such a key: now, and not when the first client comes.
    createSecureContext({ ...tlsProtocol, key, cert });
  } catch {
    return 'unreadable';
  }
  return { key, cert, pin: pinOf(secret), begins, ends };
}
