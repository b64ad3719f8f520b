import { BlockList } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNetworks } from '../src/index.ts';
import { clientOf } from '../src/listen/forwarded.ts';
import { MAX_NETWORKS } from '../src/listen/networks.ts';

const v4 = fc.ipV4();
const v6 = fc.ipV6();

/** An address with the bits after `prefix` zero, by arithmetic on its own text. */
function network4(address: string, prefix: number): string {
  const value = address.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const kept = (value >> BigInt(32 - prefix)) << BigInt(32 - prefix);
  return [24n, 16n, 8n, 0n].map((shift) => (kept >> shift) & 255n).join('.');
}
const hex = (groups: readonly number[]) => groups.map((group) => group.toString(16)).join(':');
function network6(groups: readonly number[], prefix: number): string {
  const value = groups.reduce((sum, group) => sum * 65536n + BigInt(group), 0n);
  const kept = (value >> BigInt(128 - prefix)) << BigInt(128 - prefix);
  return hex(Array.from({ length: 8 }, (_, i) => Number((kept >> BigInt(16 * (7 - i))) & 65535n)));
}
const groups6 = fc
  .array(fc.integer({ min: 0, max: 65535 }), { minLength: 8, maxLength: 8 })
  .filter((groups) => groups[0] !== 0);

describe('networks', () => {
  it('agree with the operating library on IPv4, in both spellings', () => {
    fc.assert(
      fc.property(v4, v4, fc.integer({ min: 1, max: 32 }), fc.boolean(), (base, other, prefix, near) => {
        const net = network4(base, prefix);
        const address = near ? base : other;
        const oracle = new BlockList();
        oracle.addSubnet(net, prefix);
        const found = parseNetworks(`${net}/${prefix}`);
        expect(found.includes(address)).toBe(oracle.check(address));
        expect(found.includes(`::ffff:${address}`)).toBe(oracle.check(address));
        if (near) expect(found.includes(address)).toBe(true);
        expect(parseNetworks(`::ffff:${net}/${prefix + 96}`).includes(address)).toBe(oracle.check(address));
      }),
    );
  });

  it('agree with the operating library on IPv6, and never take IPv4 for it', () => {
    fc.assert(
      fc.property(
        groups6,
        groups6,
        v4,
        fc.integer({ min: 1, max: 128 }),
        fc.boolean(),
        (base, other, ip4, prefix, near) => {
          const net = network6(base, prefix);
          const address = hex(near ? base : other);
          const oracle = new BlockList();
          oracle.addSubnet(net, prefix, 'ipv6');
          const found = parseNetworks(`${net}/${prefix}`);
          expect(found.includes(address)).toBe(oracle.check(address, 'ipv6'));
          if (near) expect(found.includes(address)).toBe(true);
          expect(found.includes(ip4)).toBe(false);
        },
      ),
    );
    // Half of all IPv6, and with it, in other readings, every IPv4 address in IPv6 clothes.
    expect(parseNetworks('::/1').includes('::ffff:1.2.3.4')).toBe(false);
    expect(parseNetworks('::/1').includes('::1')).toBe(true);
  });

  it('come as a list, with spaces, and as single addresses', () => {
    const list = parseNetworks(' 10.0.0.0/8, fd00::/8 ,127.0.0.1,::1');
    expect(list.size).toBe(4);
    expect(['10.1.2.3', 'fd12::1', '127.0.0.1', '::1', '::ffff:127.0.0.1', 'fd00::1%eth0'].map(list.includes)).toEqual(
      Array(6).fill(true),
    );
    expect(['11.0.0.0', '127.0.0.2', '::2', 'fe80::1', 'unknown', '', undefined].map(list.includes)).toEqual(
      Array(7).fill(false),
    );
    expect([parseNetworks('').size, parseNetworks('').includes('10.0.0.1')]).toEqual([0, false]);
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '010.0.0.0/8',
    '10.0.0.1/8',
    'fd00::1/8',
    'fd00::/129',
    'fe80::%eth0/64',
    '0.0.0.0/0',
    '::/0',
    '::ffff:0:0/96',
    '10.0.0.0/8,',
    ',10.0.0.0/8',
    '10.0.0.0/8 fd00::/8',
    'proxy.example',
    '*',
    '0x0a000000/8',
    Array(MAX_NETWORKS + 1)
      .fill('10.0.0.1')
      .join(),
  ])('%s is refused', (text) => {
    expect(() => parseNetworks(text)).toThrow(expect.objectContaining({ code: 'host.bad_config' }));
  });

  it('refuse or take any text, and never anything in between', () => {
    const piece = fc.constantFrom('10.0.0.0', 'fd00::', '/', '8', ',', ' ', '::', 'ffff', '.', '%', '1', '-', 'x');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join('')),
        ),
        (text) => {
          try {
            parseNetworks(text).includes('10.0.0.1');
          } catch (error) {
            expect(error).toMatchObject({ code: 'host.bad_config' });
          }
        },
      ),
    );
  });
});

describe('the client behind proxies', () => {
  const trusted = parseNetworks('10.0.0.0/8,fd00::/8');

  it.each([
    ['no header', '10.0.0.1', undefined, '10.0.0.1'],
    ['the address the proxy appended', '10.0.0.1', '1.2.3.4', '1.2.3.4'],
    ['the rightmost that is no proxy', '10.0.0.1', '9.9.9.9, 1.2.3.4, 10.0.0.7', '1.2.3.4'],
    ['not what the client claims left of it', '10.0.0.1', 'garbage, "x, 1.2.3.4', '1.2.3.4'],
    ['an IPv6 client', 'fd00::1', '2001:db8::1', '2001:db8::1'],
    ['a port after it', '10.0.0.1', '1.2.3.4:5678', '1.2.3.4'],
    ['brackets and a port', '10.0.0.1', '[2001:db8::1]:443', '2001:db8::1'],
    ['a proxy in IPv6 clothes', '::ffff:10.0.0.1', '1.2.3.4', '1.2.3.4'],
    ['only proxies', '10.0.0.1', '10.0.0.2, 10.0.0.3', '10.0.0.1'],
    ['nothing', '10.0.0.1', '', '10.0.0.1'],
    ['a comma at the end', '10.0.0.1', '1.2.3.4,', '10.0.0.1'],
    ['a comma at the front', '10.0.0.1', ',10.0.0.2', '10.0.0.1'],
    ['no address', '10.0.0.1', '1.2.3.4, unknown', '10.0.0.1'],
    ['a bad address', '10.0.0.1', '1.2.3.4, 1.2.3.256', '10.0.0.1'],
    ['a zone', '10.0.0.1', 'fe80::1%eth0', '10.0.0.1'],
    ['a name', '10.0.0.1', 'client.example', '10.0.0.1'],
    ['IPv4 in brackets', '10.0.0.1', '[1.2.3.4]', '10.0.0.1'],
    ['a stranger who claims to be a proxy', '1.2.3.4', '5.6.7.8', '1.2.3.4'],
  ])('%s', (_name, peer, header, client) => {
    expect(clientOf(peer, header, trusted)).toBe(client);
  });

  it('cannot be chosen by the client: whatever it sends stands left of what the proxy appends', () => {
    fc.assert(
      fc.property(fc.string(), fc.oneof(v4, v6), (claimed, client) => {
        fc.pre(!trusted.includes(client));
        expect(clientOf('10.0.0.1', `${claimed}, ${client}`, trusted)).toBe(client);
        expect(clientOf(client, claimed, trusted)).toBe(client);
      }),
    );
  });
});
