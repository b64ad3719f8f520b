import { isIPv4, isIPv6 } from 'node:net';
import type { Networks } from './networks.ts';

/** An address as proxies write it: bare, in brackets, or with the port it came from. */
function addressIn(text: string): string | undefined {
  const [, bracketed, v4] = /^\[([\da-fA-F:.]{2,45})\](?::\d{1,5})?$|^([\d.]{7,15}):\d{1,5}$/.exec(text) ?? [];
  const address = bracketed ?? v4 ?? text;
  const good = bracketed === undefined ? isIPv4(address) || isIPv6(address) : isIPv6(address);
  return good && !address.includes('%') ? address : undefined;
}

/**
 * Who asks: the other side of the connection, or, where that is a proxy in `trusted`, the rightmost address of
 * X-Forwarded-For that is not. Each proxy appends whom it heard from, so everything left of the first untrusted address is
 * what that one claims of itself, and is not read. From anybody else the header is not read at all. What is malformed, or
 * names only proxies, counts as the proxy that sent it: under its limits, and not without any.
 */
export function clientOf(peer: string | undefined, header: string | undefined, trusted: Networks): string | undefined {
  if (header === undefined || !trusted.includes(peer)) return peer;
  for (let end = header.length; end >= 0; ) {
    const comma = end === 0 ? -1 : header.lastIndexOf(',', end - 1);
    const address = addressIn(header.slice(comma + 1, end).trim());
    if (address === undefined) return peer;
    if (!trusted.includes(address)) return address;
    end = comma;
  }
  return peer;
}
