import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, knock, listen, ownerNamed, type Peer, startRelay } from '../support.ts';
import { idle, loose, nobody } from './attack.ts';

describe('a stranger', () => {
  it('may not answer twice, nor speak before it is answered', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const twice = await knock(test, ada, ada.box.signer);
    twice.send('hello', idle);
    expect(codeOf(await twice.gone())).toBe('relay.protocol');
    const early = await knock(test, ada, ada.box.signer);
    early.send('listen', { mail: true, streams: true });
    expect(codeOf(await early.gone())).toBe('relay.protocol');
    await expect.poll(() => test.relay.counts()).toMatchObject(nobody);
  });
});

describe('a device', () => {
  it('may not take the stream that it opened itself, use one that nobody took, nor ask without a number', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: loose });
    const box = await listen(test, ada, ada.box.signer);
    const attempts: Record<string, (peer: Peer) => void> = {
      opened: (peer) => peer.send('opened', { channel: 1 }),
      data: (peer) => peer.send('data', { channel: 1, body: new Uint8Array(4) }),
      credit: (peer) => peer.send('credit', { channel: 1, bytes: 1 }),
      news: (peer) => peer.send('news', { channel: 0, statements: ['a.b.c'] }),
    };
    for (const [name, act] of Object.entries(attempts)) {
      const { peer } = await connect(test, ada, ada.laptop.signer);
      peer.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 1 });
      await box.next('open');
      act(peer);
      expect([name, codeOf(await peer.gone())]).toEqual([name, 'relay.protocol']);
      expect(codeOf(await box.next('close'))).toBe('relay.not_reachable');
    }
  });
});
