import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressKey, createRateLimiter, isLoopback } from '../src/index.ts';

describe('addressKey', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:DB8:0001:0002:ffff::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '127.0.0.1'],
    ['0:0:0:0:0:0:0:1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['::FFFF:7f00:1', '127.0.0.1'],
    ['0:0:0:0:0:ffff:203.0.113.7', '203.0.113.7'],
    ['::', '0:0:0:0::/64'],
    ['::2', '0:0:0:0::/64'],
    ['::ffff:0:0:1', '0:0:0:0::/64'],
    ['not an address', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('%s counts as %s', (address, key) => expect(addressKey(address)).toBe(key));

  it('gives one of this machine a key that is recognised as this machine, in every spelling', () => {
    for (const spelled of ['127.0.0.1', '127.8.8.8', '::1', '0:0::1', '::ffff:127.0.0.1', '::ffff:7f00:0001'])
      expect(isLoopback(addressKey(spelled)), spelled).toBe(true);
  });

  it('gives all addresses of a /64 one key, and another /64 another', () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((n) => n.toString(16));
    const four = fc.array(group, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(four, four, four, (net, one, two) => {
        // There are the addresses that stand for IPv4.
        fc.pre(net.some((group) => group !== '0'));
        const key = (host: string[]) => addressKey([...net, ...host].join(':'));
        expect(key(one)).toBe(key(two));
        expect(key(one)).toBe(`${net.join(':')}::/64`);
      }),
    );
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['[::1]', true],
  ['localhost', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['::ffff:7f00:1', true],
  ['::ffff:10.0.0.1', false],
  ['::2', false],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.2', false],
  ['127.0.0.1.example.org', false],
])('%s is this machine only: %s', (host, local) => expect(isLoopback(host)).toBe(local));

describe('createRateLimiter', () => {
  it('never lets through more than the burst and what has come since', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -500, max: 3_000 }), { maxLength: 200 }), (steps) => {
        let now = 1_000_000;
        const start = now;
        let latest = now;
        let taken = 0;
        const rate = createRateLimiter({ perMinute: 60, burst: 5, clock: () => now });
        for (const step of steps) {
          now += step;
          latest = Math.max(latest, now);
          if (rate.take('a')) taken++;
          // A clock that jumps back and forth may earn the same time again: each step at most its own length.
          const earned = steps.filter((s) => s > 0).reduce((a, b) => a + b, 0) / 1_000;
          expect(taken).toBeLessThanOrEqual(5 + earned);
        }
        if (steps.every((step) => step >= 0)) expect(taken).toBeLessThanOrEqual(5 + (latest - start) / 1_000);
      }),
    );
  });

  it('gives back, and counts each key alone', () => {
    const rate = createRateLimiter({ perMinute: 1, burst: 1, clock: () => 0 });
    expect([rate.take('a'), rate.take('a'), rate.take('b')]).toEqual([true, false, true]);
    rate.giveBack('a');
    rate.giveBack('a');
    expect([rate.take('a'), rate.take('a')]).toEqual([true, false]);
    expect(rate.secondsUntil('a')).toBe(60);
  });

  it('keeps a bounded number of keys', () => {
    const rate = createRateLimiter({ perMinute: 1, burst: 1, clock: () => 0, maxKeys: 3 });
    for (const key of ['a', 'b', 'c', 'd']) expect(rate.take(key)).toBe(true);
    expect(rate.take('b')).toBe(false);
    expect(rate.take('a')).toBe(true);
  });
});
