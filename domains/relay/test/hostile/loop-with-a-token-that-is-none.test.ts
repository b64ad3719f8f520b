import { testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, helloOf, startRelay } from '../support.ts';

describe('a stranger with a resume token that is none', () => {
  it('gets no challenge back for it', async () => {
    const test = await startRelay();
    const stranger = testSigner('a stranger');
    const codes: string[] = [];
    for (let n = 0; n < 12; n++) {
      const peer = new MemoryPeer(test.relay);
      if (peer.closed === null) {
        await peer.until('challenge');
        const challenge = peer.has('challenge')[0]!;
        const owner = `${'B'.repeat(42)}A`;
        const hello = await helloOf(stranger, challenge.challenge, test.clock.seconds(), { owner });
        peer.say('hello', { hello, ticket: '', resume: new Uint8Array(72), chain: [] });
        await peer.until('welcome');
      }
      codes.push(codeOf(peer.closed!));
    }
    expect(codes).toEqual([...Array(10).fill('relay.stale_resume'), 'relay.rate_limited', 'relay.rate_limited']);
  });
});
