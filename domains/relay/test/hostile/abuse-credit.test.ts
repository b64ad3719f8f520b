import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, ownerNamed, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('credit', () => {
  it('that is not there, of nothing, above the largest window, or before the stream is taken ends the connection', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { ...loose, window: 1_024, maxWindow: 2_048 } });
    const box = await listen(test, ada, ada.box.signer);
    const stream = async (taken: boolean) => {
      const { peer } = await connect(test, ada, ada.laptop.signer);
      peer.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 1 });
      const { channel } = await box.next('open');
      if (taken) {
        box.send('opened', { channel });
        await peer.next('opened');
      }
      return peer;
    };
    const offences: [code: string, taken: boolean, say: (peer: Awaited<ReturnType<typeof stream>>) => void][] = [
      ['relay.credit_exceeded', true, (peer) => peer.send('data', { channel: 1, body: new Uint8Array(1_017) })],
      ['relay.credit_exceeded', true, (peer) => peer.send('credit', { channel: 1, bytes: 0 })],
      ['relay.credit_exceeded', true, (peer) => peer.send('credit', { channel: 1, bytes: 1_025 })],
      ['relay.credit_exceeded', true, (peer) => peer.send('credit', { channel: 1, bytes: 0xffff_ffff })],
      ['relay.protocol', false, (peer) => peer.send('credit', { channel: 1, bytes: 1 })],
      ['relay.protocol', false, (peer) => peer.send('data', { channel: 1, body: new Uint8Array(1) })],
      // Empty records cost their headers: 1,024 bytes hold 128 of them.
      [
        'relay.credit_exceeded',
        true,
        (peer) => {
          for (let n = 0; n < 129; n++) peer.send('data', { channel: 1, body: new Uint8Array(0) });
        },
      ],
    ];
    for (const [code, taken, say] of offences) {
      const peer = await stream(taken);
      say(peer);
      expect(codeOf(await peer.gone())).toBe(code);
      await box.next('close');
    }
    await box.settle();
    expect(test.relay.counts()).toMatchObject({ connections: 1, streams: 0 });
  });
});
