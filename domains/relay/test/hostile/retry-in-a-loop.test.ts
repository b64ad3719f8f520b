import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { startRelay } from '../support.ts';
import { device, nobody } from './attack.ts';

describe('a client that comes back in a loop', () => {
  it('is told when to, and gets neither a challenge nor a line of the log for it', async () => {
    const test = await startRelay();
    for (let n = 0; n < 5; n++) {
      const peer = new MemoryPeer(test.relay);
      peer.say('meet', { channel: 1, join: true, name: new Uint8Array(32).fill(n) });
    }
    const lines = test.logged.length;
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 5_000; n++) {
      const peer = new MemoryPeer(test.relay);
      expect([peer.closed, peer.bytes]).toEqual([1008, 0]);
      expect(Number(/^retry-after=(\d+)$/.exec(peer.reason)?.[1])).toBeGreaterThan(0);
    }
    expect(test.relay.turnsAway('192.0.2.1')).toMatchObject({ status: 429, retryAfter: expect.any(Number) });
    expect(test.logged.length - lines).toBeLessThan(10);
    expect(test.relay.counts()).toMatchObject(nobody);
    // Nothing is kept of each: 5,000 peers of this test itself are most of it.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
    const other = await device(test, 'ada', '198.51.100.7');
    other.say('ping', {});
    await other.until('pong');
  });
});
