import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { startRelay } from '../support.ts';
import { nobody } from './attack.ts';

describe('a stranger', () => {
  it('that does not answer a close is cut', async () => {
    const test = await startRelay();
    const peer = new MemoryPeer(test.relay);
    let terminated = false;
    peer.close = () => {};
    peer.terminate = () => {
      terminated = true;
      peer.link.ended();
    };
    peer.raw(null);
    test.tick();
    expect([terminated, test.relay.counts().connections]).toEqual([false, 1]);
    test.clock.advance(6);
    test.tick();
    expect([terminated, test.relay.counts()]).toMatchObject([true, nobody]);
  });
});
