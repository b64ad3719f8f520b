import { fail } from '@caponier/protocol';

/**
 * The PROXY protocol, version 2 (HAProxy, section 2.2), as a strict reader:
 *
 * | bytes | what |
 * |---|---|
 * | 12 | signature |
 * | 1 | version (2) and command: LOCAL (0), the proxy asks for itself, or PROXY (1) |
 * | 1 | family and transport: TCP over IPv4 (0x11) or IPv6 (0x21); of LOCAL not looked at |
 * | 2 | length of the rest, at most 520 |
 * | 12 or 36 | source and destination address, source and destination port |
 * | … | TLVs: framed as their lengths say, otherwise not looked at |
 *
 * Version 1 is text without a length, and not taken.
 */
const SIGNATURE = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);

const FIXED_BYTES = 16;

/** Bytes of a whole header with its TLVs: what HAProxy's own text bounds it by. */
export const MAX_PROXY_HEADER = 536;

export interface ProxyHeader {
  /** Bytes it takes. */
  readonly length: number;
  /** Who connected to the proxy; null where the proxy asks for itself. */
  readonly source: string | null;
}

const malformed = (why: string) => fail('host.bad_proxy_header', why);

/** Bytes of the two addresses and ports, by family and transport. */
const addressBytes: Readonly<Record<number, number>> = { 17: 12, 33: 36 };

const ipv4 = (bytes: Uint8Array) => bytes.join('.');
const ipv6 = (bytes: Uint8Array) =>
  Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16)).join(':');

function checkTlvs(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const length = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    at += 3 + length;
    if (at > bytes.length) throw malformed('a TLV is cut');
  }
}

/** Undefined while more bytes are needed. Throws `host.bad_proxy_header` at the first byte that cannot be right. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | undefined {
  const signed = Math.min(bytes.length, SIGNATURE.length);
  for (let i = 0; i < signed; i++) if (bytes[i] !== SIGNATURE[i]) throw malformed('signature');
  const [versionAndCommand, family, high, low] = bytes.subarray(SIGNATURE.length, FIXED_BYTES);
  if (versionAndCommand !== undefined && versionAndCommand >> 4 !== 2) throw malformed('version');
  const command = (versionAndCommand ?? 0) & 15;
  if (command > 1) throw malformed('command');
  const addresses = command === 1 ? addressBytes[family ?? 0x11] : 0;
  if (addresses === undefined) throw malformed('family');
  if (high === undefined || low === undefined) return undefined;
  const length = FIXED_BYTES + ((high << 8) | low);
  if (length > MAX_PROXY_HEADER || length < FIXED_BYTES + addresses) throw malformed('length');
  if (bytes.length < length) return undefined;
  if (command === 0) return { length, source: null };
  checkTlvs(bytes.subarray(FIXED_BYTES + addresses, length));
  const size = family === 0x11 ? 4 : 16;
  const source = bytes.subarray(FIXED_BYTES, FIXED_BYTES + size);
  return { length, source: size === 4 ? ipv4(source) : ipv6(source) };
}
