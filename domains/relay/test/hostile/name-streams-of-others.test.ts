import { relayNumbered } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, ownerNamed, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('a number of a stream that is not one’s own', () => {
  it('is refused: never used, of the other range, of another connection; one that is over is ignored', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const test = await startRelay({ limits: loose });
    const box = await listen(test, ada, ada.box.signer);
    const { peer: laptop } = await connect(test, ada, ada.laptop.signer);
    laptop.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 1 });
    const { channel } = await box.next('open');
    box.send('opened', { channel });
    await laptop.next('opened');
    const body = new Uint8Array(4);
    for (const at of [1, 2, 77, channel, channel + 1, relayNumbered, 0xffff_ffff]) {
      for (const say of ['data', 'credit', 'close', 'opened'] as const) {
        const { peer } = await connect(test, bob, bob.box.signer);
        if (say === 'data') peer.send(say, { channel: at, body });
        else if (say === 'credit') peer.send(say, { channel: at, bytes: 1 });
        else if (say === 'close') peer.send(say, { channel: at, code: 0 });
        else peer.send(say, { channel: at });
        expect([at, say, codeOf(await peer.gone())]).toEqual([at, say, 'relay.protocol']);
      }
    }
    // Streams are counted from 1: no number is left out, and none is taken from the relay's range.
    for (const at of [2, 9, relayNumbered]) {
      const { peer } = await connect(test, bob, bob.box.signer);
      peer.send('open', { channel: at, peer: keyBytes(ada.box.signer), purpose: 1 });
      expect(codeOf(await peer.gone())).toBe('relay.protocol');
    }
    laptop.send('data', { channel: 1, body });
    expect((await box.next('data')).body).toEqual(body);
    box.send('close', { channel, code: 0 });
    await laptop.next('close');
    laptop.send('data', { channel: 1, body });
    laptop.send('credit', { channel: 1, bytes: 1 });
    await laptop.settle();
    expect(box.all('data')).toEqual([]);
  });
});
