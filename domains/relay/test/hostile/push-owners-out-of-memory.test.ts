import { describe, expect, it, vi } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { connect, keyBytes, listen, membershipOf, messageId, ownerNamed, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('many owners', () => {
  it('push nobody who is connected out of memory: its own devices still reach each other', async () => {
    const ada = await ownerNamed('ada');
    const bob = await ownerNamed('bob');
    const test = await startRelay({ limits: { cachedOwners: 1 } });
    await listen(test, ada, ada.laptop.signer);
    const { peer: box } = await connect(test, ada, ada.box.signer);
    await listen(test, bob, bob.laptop.signer);
    box.send('mail', { to: keyBytes(ada.laptop.signer), id: messageId(1), seconds: 0, body: new Uint8Array(8) });
    expect(await box.answer()).toBe('accepted');
    await listen(test, bob, bob.box.signer);
    box.send('open', { channel: 1, peer: keyBytes(ada.laptop.signer), purpose: 1 });
    await box.settle();
    expect(box.all('close')).toEqual([]);
  });

  it('are kept in memory so many, the one used longest ago is read again', async () => {
    const test = await startRelay({ limits: { ...loose, cachedOwners: 2 } });
    const read = vi.spyOn(test.store, 'read');
    /** Whether the relay read the owner's statements for a device of it that comes and goes. */
    const isRead = async (seed: string) => {
      const owner = await ownerNamed(seed);
      read.mockClear();
      const peer = new MemoryPeer(test.relay, '198.51.100.1');
      await peer.hello(owner.box.signer, owner.id, membershipOf(owner), test.clock.seconds());
      expect(peer.has('welcome')).toHaveLength(1);
      peer.close(1000);
      return read.mock.calls.some(([operation]) => operation === 'ownerStatements');
    };
    for (const seed of ['ada', 'bob']) await isRead(seed);
    expect([await isRead('ada'), await isRead('bob')]).toEqual([false, false]);
    // The third pushes out the one used longest ago, and no other.
    await isRead('cat');
    expect([await isRead('cat'), await isRead('bob'), await isRead('ada')]).toEqual([false, false, true]);
  });
});
