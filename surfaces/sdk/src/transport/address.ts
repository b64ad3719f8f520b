import { fail } from '@caponier/protocol';

const secure = { http: 'https:', ws: 'wss:' } as const;
const plain = { http: 'http:', ws: 'ws:' } as const;

/** Loopback by name or number (RFC 6761 section 6.3, RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3), as `URL` writes it. */
function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

/** The address, where it may be spoken to: `wss:`, or `ws:` to this machine; likewise for http. */
export function checkAddress(url: string, scheme: 'http' | 'ws'): URL {
  const parsed = URL.parse(url);
  if (!parsed || (parsed.protocol !== secure[scheme] && parsed.protocol !== plain[scheme])) {
    throw fail('host.bad_config', 'not an address for this');
  }
  // Whoever is on the way could read and change everything: tickets, requests, even the page with the keys.
  if (parsed.protocol === plain[scheme] && !isLoopback(parsed.hostname)) throw fail('host.insecure_address');
  if (parsed.username || parsed.password) throw fail('host.bad_config', 'an address holds no password');
  return parsed;
}
