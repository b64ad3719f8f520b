import { makeOwner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, keyBytes, membershipOf, messageId, ownerNamed, startRelay } from '../support.ts';
import { device } from './attack.ts';

describe('a connection', () => {
  it('is told when storage fails, and nothing is lost that was acknowledged', async () => {
    const test = await startRelay();
    const peer = await device(test);
    const to = keyBytes((await ownerNamed('ada')).laptop.signer);
    await test.store.close();
    peer.say('mail', { to, id: messageId(1), seconds: 0, body: new Uint8Array(1) });
    await peer.until('refused');
    expect(codeOf(peer.has('refused')[0]!)).toBe('relay.unavailable');
    peer.say('allow', { channel: 4, device: true, id: to, verdict: 'allow' });
    await peer.until('error');
    expect(codeOf(peer.has('error')[0]!)).toBe('relay.unavailable');
    expect(peer.closed).toBeNull();
    const late = new MemoryPeer(test.relay, '192.0.2.7');
    const eve = await makeOwner('eve');
    await late.hello(eve.box.signer, eve.id, membershipOf(eve), test.clock.seconds());
    expect(codeOf(late.closed!)).toBe('relay.unavailable');
  });
});
