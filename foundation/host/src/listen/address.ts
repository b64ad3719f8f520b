import { isIPv4, isIPv6 } from 'node:net';

/** The eight groups of an IPv6 address in any spelling, also one that ends like an IPv4 address (RFC 4291 section 2.2). */
function groups(spelled: string): number[] {
  const address = spelled.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number) as [number, number, number, number];
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = '', tail] = address.split('::');
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const first = parse(head);
  if (tail === undefined) return first;
  const last = parse(tail);
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}

/** The IPv4 address that an IPv6 one stands for: mapped (RFC 4291 section 2.5.5.2), or the loopback, which is one machine. */
function asIPv4(parts: readonly number[]): string | undefined {
  if (parts.slice(0, 5).some((group) => group !== 0)) return undefined;
  const [sixth, high, low] = parts.slice(5) as [number, number, number];
  if (sixth === 0 && high === 0 && low === 1) return '127.0.0.1';
  return sixth === 0xffff ? [high >> 8, high & 255, low >> 8, low & 255].join('.') : undefined;
}

/**
 * What limits count by: an IPv4 address, or the /64 of an IPv6 address, since whoever has one has all 2^64 of it. An
 * IPv4 address in IPv6 clothes counts as itself, and `::1` as `127.0.0.1`. Anything else counts together as `unknown`.
 */
export function addressKey(remote: string | undefined): string {
  const address = (remote ?? '').replace(/%.*$/, '').toLowerCase();
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return 'unknown';
  const parts = groups(address);
  const net = parts.slice(0, 4).map((group) => group.toString(16));
  return asIPv4(parts) ?? `${net.join(':')}::/64`;
}

/** Whether only this machine can reach a listener bound here; of an `addressKey`, whether this machine itself asks. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  return name === 'localhost' || addressKey(name).startsWith('127.');
}
