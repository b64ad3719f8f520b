import { describe, expect, it } from 'vitest';
import { connect, keyBytes, listen, messageId, ownerNamed, startRelay } from '../support.ts';

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
});
