import { makeDevice } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, messageId, ownerNamed, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('who knows the key of a device', () => {
  it('learns nothing about it: connected, absent and unknown are answered alike', async () => {
    const [ada, eve] = await Promise.all([ownerNamed('ada'), ownerNamed('eve')]);
    const test = await startRelay({ limits: loose });
    await listen(test, ada, ada.box.signer);
    const { peer: away } = await connect(test, ada, ada.phone.signer);
    away.ws.terminate();
    const { peer } = await connect(test, eve, eve.box.signer);
    const answers: unknown[] = [];
    let n = 0;
    for (const { signer } of [ada.box, ada.phone, ada.laptop, makeDevice('nobody', 'nobody', 'member')]) {
      n += 1;
      peer.send('mail', { to: keyBytes(signer), id: messageId(n), seconds: 0, body: new Uint8Array(1) });
      const { code, retry } = await peer.next('refused');
      peer.send('open', { channel: n, peer: keyBytes(signer), purpose: 1 });
      const closed = await peer.next('close');
      peer.send('fetch', { channel: n, device: keyBytes(signer) });
      const { statement } = await peer.next('prekeys');
      answers.push([codeOf(code), retry, codeOf(closed), statement]);
    }
    for (const answer of answers) expect(answer).toEqual(['relay.not_reachable', 0, 'relay.not_reachable', '']);
    expect((await test.relay.app.request('/devices')).status).toBe(404);
  });
});
