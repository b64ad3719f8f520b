import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, startRelay } from '../support.ts';
import { nobody } from './attack.ts';

describe('a stranger', () => {
  it('that says nothing is closed after ten seconds, and costs a greeting of 72 bytes', async () => {
    const test = await startRelay();
    const peer = new MemoryPeer(test.relay);
    await peer.until('challenge');
    test.clock.advance(9);
    test.tick();
    expect(peer.closed).toBeNull();
    test.clock.advance(2);
    test.tick();
    expect([codeOf(peer.closed!), peer.bytes]).toEqual(['relay.timeout', 72]);
    expect(test.relay.counts()).toMatchObject(nobody);
  });
});
