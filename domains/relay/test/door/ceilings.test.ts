import { describe, expect, it } from 'vitest';
import type { RelayLimits } from '../../src/index.ts';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, membershipOf, ownerNamed, startRelay, type TestRelay } from '../support.ts';

const dayAndMore = 25 * 3600;

async function device(test: TestRelay, seed: string, address: string, which: 'box' | 'laptop' | 'phone' = 'box') {
  const owner = await ownerNamed(seed);
  const peer = new MemoryPeer(test.relay, address);
  await peer.hello(owner[which].signer, owner.id, membershipOf(owner), test.clock.seconds());
  return peer;
}
const outcome = ({ closed }: MemoryPeer) => (closed === null ? 'welcome' : codeOf(closed));

describe('throwaway keys', () => {
  it('leave room for owners that are known: strangers and newcomers never take the last places', async () => {
    const limits: Partial<RelayLimits> = {
      connections: 8,
      strangers: 3,
      reservedConnections: 3,
      challengesPerMinute: 1_000,
    };
    const test = await startRelay({ limits });
    await device(test, 'ada', '192.0.2.1').then((peer) => peer.close(1000));
    test.clock.advance(dayAndMore);
    // Newcomers get what neither strangers nor the reserve may need.
    expect(outcome(await device(test, 'bob', '192.0.2.2'))).toBe('welcome');
    expect(outcome(await device(test, 'cat', '192.0.2.3'))).toBe('welcome');
    expect(outcome(await device(test, 'dan', '192.0.2.4'))).toBe('relay.unavailable');
    const strangers = Array.from({ length: 3 }, (_, n) => new MemoryPeer(test.relay, `198.51.100.${n}`));
    // Ada has been here for a day: all her devices get in, whoever else stands about.
    for (const which of ['box', 'laptop', 'phone'] as const) {
      expect(outcome(await device(test, 'ada', '192.0.2.1', which))).toBe('welcome');
    }
    expect(strangers.map(({ closed }) => closed && codeOf(closed)).filter(Boolean)).toHaveLength(1);
    expect(test.relay.counts()).toMatchObject({ connections: 7, strangers: 2, devices: 5 });
  });

  it('come few an hour: of one address, and of all', async () => {
    const test = await startRelay({ limits: { newOwnersPerHourPerAddress: 2, newOwnersPerHour: 3 } });
    expect(outcome(await device(test, 'ada', '192.0.2.1'))).toBe('welcome');
    expect(outcome(await device(test, 'bob', '192.0.2.1'))).toBe('welcome');
    const third = await device(test, 'cat', '192.0.2.1');
    expect([outcome(third), third.reason]).toEqual(['relay.rate_limited', 'retry-after=1800']);
    expect(outcome(await device(test, 'cat', '192.0.2.2'))).toBe('welcome');
    expect(outcome(await device(test, 'dan', '192.0.2.3'))).toBe('relay.rate_limited');
    // Known owners are not counted, and an hour makes good.
    expect(outcome(await device(test, 'ada', '192.0.2.1', 'phone'))).toBe('welcome');
    test.clock.advance(1200);
    expect(outcome(await device(test, 'dan', '192.0.2.3'))).toBe('welcome');
  });

  it('hold few connections: of one owner, of one address while they are new', async () => {
    const test = await startRelay({ limits: { connectionsPerOwner: 2, newcomersPerAddress: 3 } });
    expect(outcome(await device(test, 'ada', '192.0.2.1', 'box'))).toBe('welcome');
    expect(outcome(await device(test, 'ada', '192.0.2.1', 'laptop'))).toBe('welcome');
    expect(outcome(await device(test, 'ada', '192.0.2.1', 'phone'))).toBe('relay.too_many');
    expect(outcome(await device(test, 'bob', '192.0.2.1'))).toBe('welcome');
    expect(outcome(await device(test, 'cat', '192.0.2.1'))).toBe('relay.too_many');
    expect(outcome(await device(test, 'cat', '192.0.2.2'))).toBe('welcome');
  });
});

describe('strangers', () => {
  it('hold a bounded sum of bytes: whoever said most goes first', async () => {
    const test = await startRelay({ limits: { strangerBytes: 100_000, challengesPerMinute: 100 } });
    const peers = [30_000, 60_000, 20_000].map((size) => {
      const peer = new MemoryPeer(test.relay);
      peer.say('news', { statements: Array(Math.ceil(size / 10_000)).fill('x'.repeat(9_990)) });
      return peer;
    });
    expect(peers.map(({ closed }) => closed && codeOf(closed))).toEqual([null, 'relay.unavailable', null]);
    expect(peers[1]!.reason).toBe('retry-after=5');
    // What one of them held is given back when it is gone.
    for (const peer of peers) peer.close(1000);
    const again = new MemoryPeer(test.relay);
    again.say('news', { statements: Array(9).fill('x'.repeat(9_990)) });
    expect(again.closed).toBeNull();
  });
});
