import { isIPv4 } from 'node:net';

/** A PROXY header, version 2, as a proxy sends it for a client that came by TCP. IPv6 with all eight groups. */
export function proxyHeader(source: string, tlvs: Uint8Array = new Uint8Array()): Buffer {
  const four = isIPv4(source);
  const address = four
    ? Buffer.from(source.split('.').map(Number))
    : Buffer.from(
        source.split(':').flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
      );
  const ports = Buffer.from([0x30, 0x39, 0x01, 0xbb]);
  const rest = Buffer.concat([address, Buffer.alloc(address.length, 7), ports, tlvs]);
  return Buffer.concat([
    Buffer.from('0d0a0d0a000d0a515549540a', 'hex'),
    Buffer.from([0x21, four ? 0x11 : 0x21, rest.length >> 8, rest.length & 255]),
    rest,
  ]);
}
