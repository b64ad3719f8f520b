import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reachOf } from '../src/outbound.ts';

describe('an address', () => {
  it.each([
    ['127.0.0.1', 'private'],
    ['10.0.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['::1', 'private'],
    ['fd12::1', 'private'],
    ['169.254.169.254', 'never'],
    ['0.0.0.0', 'never'],
    ['::', 'never'],
    ['fe80::1', 'never'],
    ['ff02::1', 'never'],
    ['224.0.0.1', 'never'],
    ['255.255.255.255', 'never'],
    ['::ffff:10.0.0.1', 'private'],
    ['::ffff:8.8.8.8', 'never'],
    ['::ffff:169.254.169.254', 'never'],
    ['64:ff9b::7f00:1', 'never'],
    ['2002:7f00:1::', 'never'],
    ['8.8.8.8', 'public'],
    ['2606:4700::1111', 'public'],
    ['172.32.0.1', 'public'],
    ['192.88.99.1', 'never'],
    ['2001:0:4136:e378::1', 'never'],
    ['2001:10::1', 'never'],
    ['3fff::1', 'never'],
    ['5f00::1', 'never'],
    ['4000::1', 'never'],
    ['::7f00:1', 'never'],
    ['fe80::1%eth0', 'never'],
    ['2606:4700::1111%eth0', 'never'],
    ['example.com', 'never'],
    ['0x7f.1', 'never'],
    ['', 'never'],
  ])('%s is %s', (address, reach) => expect(reachOf(address)).toBe(reach));
});

/** First and last address of a range of IPv4, as numbers. */
const range = (net: string, prefix: number) => {
  const begin = net.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return fc.integer({ min: begin, max: begin + 2 ** (32 - prefix) - 1 });
};
const dotted = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join('.');
const group = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
const groups = (count: number) => fc.array(group, { minLength: count, maxLength: count }).map((all) => all.join(':'));

describe('classes of addresses', () => {
  it.each([
    ['127.0.0.0', 8],
    ['10.0.0.0', 8],
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['100.64.0.0', 10],
    ['169.254.0.0', 16],
    ['0.0.0.0', 8],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ])('nothing in %s/%i is public, in none of its spellings', (net, prefix) => {
    fc.assert(
      fc.property(range(net, prefix), (n) => {
        const [high, low] = [(n >>> 16).toString(16), (n & 0xffff).toString(16)];
        const spellings = [
          dotted(n),
          `::ffff:${dotted(n)}`,
          `::ffff:${high}:${low}`,
          `0:0:0:0:0:FFFF:${high}:${low}`,
          `::${dotted(n)}`,
          `64:ff9b::${dotted(n)}`,
          `64:ff9b:1::${high}:${low}`,
          `2002:${high}:${low}::1`,
        ];
        for (const spelled of spellings) expect(reachOf(spelled), spelled).not.toBe('public');
      }),
    );
  });

  it.each(['fc', 'fd'])('nothing that begins with %s is public (unique local)', (begin) => {
    const second = fc.integer({ min: 0, max: 255 }).map((n) => n.toString(16).padStart(2, '0'));
    fc.assert(
      fc.property(second, groups(7), (byte, rest) => void expect(reachOf(`${begin}${byte}:${rest}`)).toBe('private')),
    );
  });

  it('nothing outside of 2000::/3 is public', () => {
    const first = fc.integer({ min: 0, max: 0xffff }).filter((n) => n >> 13 !== 1);
    fc.assert(
      fc.property(first, groups(7), (n, rest) => void expect(reachOf(`${n.toString(16)}:${rest}`)).not.toBe('public')),
    );
  });

  it('everything else of IPv4 is public', () => {
    const far = fc
      .integer({ min: 0x01000000, max: 0xdfffffff })
      .filter((n) => ![10, 100, 127, 169, 172, 192, 198, 203].includes(n >>> 24));
    fc.assert(fc.property(far, (n) => void expect(reachOf(dotted(n))).toBe('public')));
  });
});
