import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { startRelay } from '../support.ts';

describe('an address', () => {
  it('guessing meetings counts as failing', async () => {
    const test = await startRelay();
    const codes: (number | null)[] = [];
    for (let n = 0; n < 6; n++) {
      const peer = new MemoryPeer(test.relay);
      if (peer.closed === null) peer.say('meet', { channel: 1, join: true, name: new Uint8Array(32).fill(n) });
      codes.push(peer.closed);
    }
    expect(codes).toEqual([4418, 4418, 4418, 4418, 1008, 1008]);
  });
});
