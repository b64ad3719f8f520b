import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, startRelay } from '../support.ts';
import { device } from './attack.ts';

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
