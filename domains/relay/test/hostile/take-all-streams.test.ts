import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, ownerNamed, startRelay } from '../support.ts';

describe('a contact', () => {
  it('cannot take all the streams of a device: its owner still gets through', async () => {
    const ada = await ownerNamed('ada');
    const bob = await ownerNamed('bob');
    const test = await startRelay({ limits: { streams: 4, streamsOfContact: 2 } });
    const box = await listen(test, ada, ada.box.signer);
    box.send('allow', { channel: 1, device: true, id: keyBytes(bob.laptop.signer), verdict: 'allow' });
    await box.next('done');
    const { peer: stranger } = await connect(test, bob, bob.laptop.signer);
    for (let channel = 1; channel <= 4; channel++) {
      stranger.send('open', { channel, peer: keyBytes(ada.box.signer), purpose: 1 });
    }
    for (let n = 0; n < 2; n++) expect(codeOf(await stranger.next('close'))).toBe('relay.too_many');
    const { peer: laptop } = await connect(test, ada, ada.laptop.signer);
    laptop.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 1 });
    await laptop.settle();
    expect(laptop.all('close')).toEqual([]);
  });
});
