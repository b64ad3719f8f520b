import { isIP } from 'node:net';
import { fail } from '@caponier/protocol';

/**
 * Where a secret may go, as the owner wrote it: `host` or `host:port` (https), or `http://127.0.0.1:port` and
 * `http://[::1]:port` for a program on the vault's own machine. Yields the origin in the one spelling that calls are
 * held against. No wildcards: `*.example.com` would trust whoever may have a name there. Throws `vault.bad_secret`.
 */
export function originOf(host: string): string {
  const plain = /^http:\/\/(127\.0\.0\.1|\[::1\]):\d{1,5}$/.test(host);
  if (!plain && !/^[A-Za-z0-9._[\]:-]{1,255}$/.test(host)) throw fail('vault.bad_secret', 'host');
  const text = plain ? host : `https://${host}`;
  if (!URL.canParse(text)) throw fail('vault.bad_secret', 'host');
  const url = new URL(text);
  // What the parser understands otherwise than it was written (0x7f.1, a trailing dot) is not what the owner meant.
  const port = url.port ? `:${url.port}` : '';
  const written = plain ? host.slice('http://'.length) : host.toLowerCase();
  const same = written === url.hostname + port || written === `${url.hostname}:443` || written === `${url.hostname}:80`;
  if (!same || url.hostname.endsWith('.')) throw fail('vault.bad_secret', 'host');
  return url.origin;
}

/** Whether the host of an origin is an address, which the owner therefore named himself. */
export function isAddress(hostname: string): boolean {
  return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}
