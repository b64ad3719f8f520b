import { toBase64url } from '@caponier/crypto';
import { sign } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, knock, listen, messageId, ownerNamed, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('a device that is in', () => {
  it('speaks for itself alone: its mail, streams and prekeys bear its own key, and no others are taken', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: loose });
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(1), seconds: 0, body: keyBytes(ada.phone.signer) });
    expect((await box.next('deliver')).from).toEqual(keyBytes(ada.laptop.signer));
    peer.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 1 });
    expect((await box.next('open')).peer).toEqual(keyBytes(ada.laptop.signer));
    const prekeys = await sign(ada.box.signer, 'prekeys', {
      aud: 'any',
      versions: [1],
      box: ada.box.box,
      prekey: toBase64url(new Uint8Array(32)),
      kem: toBase64url(new Uint8Array(1184)),
      oneTime: null,
      iat: test.clock.seconds(),
      nonce: toBase64url(messageId(2)),
    });
    peer.send('offer', { channel: 2, statements: [prekeys] });
    expect(codeOf(await peer.gone())).toBe('relay.protocol');
    // Nor in `hello`: signed by one device, it names one device.
    const hello = { owner: ada.id };
    const thief = await knock(test, ada, ada.root, { hello });
    expect(codeOf(await thief.gone())).toBe('relay.bad_hello');
    await box.settle();
  });
});
