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

/** Eight groups of 16 bits, an IPv4 address as the IPv6 one that stands for it; undefined for what is no address. */
export function groupsOf(address: string): number[] | undefined {
  if (isIPv4(address)) return groups(`::ffff:${address}`);
  return isIPv6(address) && !address.includes('%') ? groups(address.toLowerCase()) : undefined;
}

/** Whether eight groups stand for an IPv4 address (mapped, RFC 4291 section 2.5.5.2). */
export function isMapped(parts: readonly number[]): boolean {
  return parts[5] === 0xffff && parts.slice(0, 5).every((group) => group === 0);
}

/** The IPv4 address that an IPv6 one stands for: mapped, or the loopback, which is one machine. */
function asIPv4(parts: readonly number[]): string | undefined {
  const [high, low] = parts.slice(6) as [number, number];
  if (high === 0 && low === 1 && parts.slice(0, 6).every((group) => group === 0)) return '127.0.0.1';
  return isMapped(parts) ? [high >> 8, high & 255, low >> 8, low & 255].join('.') : undefined;
}

/**
 * What limits count by: an IPv4 address, or the /64 of an IPv6 address, since whoever has one has all 2^64 of it. An
 * IPv4 address in IPv6 clothes counts as itself, and `::1` as `127.0.0.1`. Anything else counts together as `unknown`.
 */
export function addressKey(remote: string | undefined): string {
  const address = (remote ?? '').replace(/%.*$/, '');
  if (isIPv4(address)) return address;
  const parts = groupsOf(address);
  if (!parts) return 'unknown';
  const net = parts.slice(0, 4).map((group) => group.toString(16));
  return asIPv4(parts) ?? `${net.join(':')}::/64`;
}

/** Whether only this machine can reach a listener bound here; of an `addressKey`, whether this machine itself asks. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  return name === 'localhost' || addressKey(name).startsWith('127.');
}
