import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, membershipOf, ownerNamed, startRelay, type TestRelay } from '../support.ts';
import { device, loose } from './attack.ts';

describe('an address', () => {
  it('holds few connections that prove nothing; all together hold a part of them', async () => {
    const test = await startRelay({
      limits: { strangersPerAddress: 3, strangers: 5, connections: 7, challengesPerMinute: 100 },
    });
    const at = (address: string) => new MemoryPeer(test.relay, address);
    const first = [at('a'), at('a'), at('a')];
    expect(codeOf(at('a').closed!)).toBe('relay.rate_limited');
    const others = [at('b'), at('c')];
    // The sixth takes the place of the oldest where most come from: strangers keep nobody from knocking.
    expect(at('d').closed).toBeNull();
    expect(codeOf(first[0]!.closed!)).toBe('relay.unavailable');
    // Devices have room that strangers cannot take.
    const ready = await device(test);
    expect(test.relay.counts()).toMatchObject({ connections: 5, strangers: 4 });
    expect(others.every(({ closed }) => closed === null)).toBe(true);
    const shared: MemoryPeer[] = [at('e')];
    expect(shared[0]!.closed).toBeNull();
    expect(ready.closed).toBeNull();
  });
});

describe('the relay’s own number of connections, whatever its listener allows', () => {
  /** Three places, of which strangers may have two; its owner is no newcomer. */
  async function small(): Promise<TestRelay> {
    const { id } = await ownerNamed('ada');
    const limits = { ...loose, connections: 3, reservedConnections: 0, strangers: 2 };
    return startRelay({ limits, admission: { kind: 'allowlist', owners: [id] } });
  }

  async function come(test: TestRelay, which: 'box' | 'laptop' | 'phone'): Promise<MemoryPeer> {
    const ada = await ownerNamed('ada');
    const peer = new MemoryPeer(test.relay, '198.51.100.1');
    await peer.hello(ada[which].signer, ada.id, membershipOf(ada), test.clock.seconds());
    expect(peer.has('welcome')).toHaveLength(1);
    return peer;
  }

  it('is held: where devices have all places, whoever comes gets 503, and 4503 where it is in already', async () => {
    const test = await small();
    const devices = [await come(test, 'box'), await come(test, 'laptop'), await come(test, 'phone')];
    expect(test.relay.turnsAway('192.0.2.9')).toEqual({ status: 503, retryAfter: 5 });
    const late = new MemoryPeer(test.relay, '192.0.2.9');
    expect(codeOf(late.closed!)).toBe('relay.unavailable');
    expect(late.has('challenge')).toEqual([]);
    expect(devices.map(({ closed }) => closed)).toEqual([null, null, null]);
    expect(test.relay.counts()).toMatchObject({ connections: 3, strangers: 0 });
    devices[0]!.close(1000);
    expect(test.relay.turnsAway('192.0.2.9')).toBeNull();
  });

  it('is held by ending the oldest stranger for whoever comes, though strangers may be more', async () => {
    const test = await small();
    await come(test, 'box');
    await come(test, 'laptop');
    const first = new MemoryPeer(test.relay, '192.0.2.1');
    expect(test.relay.turnsAway('192.0.2.2')).toBeNull();
    const second = new MemoryPeer(test.relay, '192.0.2.2');
    expect([codeOf(first.closed!), second.closed]).toEqual(['relay.unavailable', null]);
    expect(test.relay.counts()).toMatchObject({ connections: 3, strangers: 1 });
  });
});
