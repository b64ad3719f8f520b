import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_PROXY_HEADER, readProxyHeader } from '../src/listen/proxy-header.ts';
import { proxyHeader } from './proxy.ts';

const bad = expect.objectContaining({ code: 'host.bad_proxy_header' });
const good = proxyHeader('1.2.3.4');

it.each([
  ['TCP over IPv4', good, '1.2.3.4'],
  ['TCP over IPv6', proxyHeader('2001:db8:0:0:0:0:0:7'), '2001:db8:0:0:0:0:0:7'],
  ['TLVs', proxyHeader('1.2.3.4', Buffer.from([4, 0, 2, 9, 9, 1, 0, 0])), '1.2.3.4'],
  [
    'as many bytes as may be',
    proxyHeader('1.2.3.4', Buffer.concat([Buffer.from([4, 1, 249]), Buffer.alloc(505)])),
    '1.2.3.4',
  ],
  ['LOCAL', Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex'), null],
  ['LOCAL with something after it', Buffer.from('0d0a0d0a000d0a515549540a20110003abcdef', 'hex'), null],
])('reads %s', (_name, bytes, source) => {
  expect(readProxyHeader(bytes)).toEqual({ length: bytes.length, source });
  expect(readProxyHeader(Buffer.concat([bytes, Buffer.from('GET /')]))).toEqual({ length: bytes.length, source });
  for (let n = 0; n < bytes.length; n++) expect(readProxyHeader(bytes.subarray(0, n))).toBeUndefined();
});

function changed(at: number, ...values: number[]): Buffer {
  const bytes = Buffer.from(good);
  bytes.set(values, at);
  return bytes;
}

it.each([
  ['version 1', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n')],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
  ['TLS', Buffer.from([0x16, 3, 1, 2, 0])],
  ['another version', changed(12, 0x31)],
  ['another command', changed(12, 0x22)],
  ['UDP', changed(13, 0x12)],
  ['a UNIX socket', changed(13, 0x31)],
  ['no family', changed(13, 0)],
  ['fewer bytes than two addresses', changed(14, 0, 11)],
  ['more bytes than may be', changed(14, 2, 9)],
  ['65,535 bytes', changed(14, 255, 255)],
  ['a TLV that is cut', proxyHeader('1.2.3.4', Buffer.from([4, 0, 3, 9, 9]))],
  ['half a TLV', proxyHeader('1.2.3.4', Buffer.from([4]))],
])('refuses %s', (_name, bytes) => {
  expect(() => readProxyHeader(bytes)).toThrow(bad);
});

it('refuses every change of the fixed part, or reads the same length and an address', () => {
  fc.assert(
    fc.property(fc.nat(15), fc.nat(255), (at, value) => {
      const bytes = changed(at, value);
      let header: ReturnType<typeof readProxyHeader>;
      try {
        header = readProxyHeader(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'host.bad_proxy_header' });
        return;
      }
      if (header) expect([value === good[at] || at >= 12, header.length <= bytes.length]).toEqual([true, true]);
    }),
    { numRuns: 500 },
  );
});

it('decides within its bound, whatever comes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: MAX_PROXY_HEADER, maxLength: MAX_PROXY_HEADER }), (noise) => {
      for (const bytes of [noise, Buffer.concat([good.subarray(0, 12), noise])]) {
        try {
          expect(readProxyHeader(bytes)).toBeDefined();
        } catch (error) {
          expect(error).toMatchObject({ code: 'host.bad_proxy_header' });
        }
      }
    }),
  );
});
