import { isIPv4, isIPv6 } from 'node:net';

/** The eight groups of an IPv6 address in any spelling. */
function groups(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)));
  const first = parse(head);
  if (tail === undefined) return first;
  const last = parse(tail);
  return [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
}

/**
 * What limits count by: an IPv4 address, or the /64 of an IPv6 address, since whoever has one has all 2^64 of it. An
 * IPv4 address in IPv6 clothes counts as itself. Anything else counts together as `unknown`.
 */
export function addressKey(remote: string | undefined): string {
  const address = (remote ?? '').replace(/%.*$/, '').toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1] ?? address;
  if (isIPv4(mapped)) return mapped;
  if (!isIPv6(mapped)) return 'unknown';
  return `${groups(mapped)
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

/** Whether only this machine can reach a listener bound here. */
export function isLoopback(host: string): boolean {
  const address = host
    .replace(/^\[|\]$/g, '')
    .replace(/^::ffff:/i, '')
    .toLowerCase();
  return address === 'localhost' || address === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address);
}
