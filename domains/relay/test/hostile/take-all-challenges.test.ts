import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, startRelay } from '../support.ts';
import { device } from './attack.ts';

describe('an address', () => {
  it('takes ten challenges a minute; one answered well is given back; others are not touched', async () => {
    const test = await startRelay();
    const peers = Array.from({ length: 10 }, () => new MemoryPeer(test.relay));
    await peers[9]!.until('challenge');
    expect(peers.every((peer) => peer.has('challenge').length === 1)).toBe(true);
    const eleventh = new MemoryPeer(test.relay);
    await Promise.resolve();
    expect([codeOf(eleventh.closed!), eleventh.bytes]).toEqual(['relay.rate_limited', 0]);
    expect(new MemoryPeer(test.relay, '192.0.2.2').closed).toBeNull();
    for (const peer of peers) peer.close(1000);
    test.clock.advance(60);
    for (let n = 0; n < 30; n++) (await device(test, 'ada', '192.0.2.1')).close(1000);
  });
});
