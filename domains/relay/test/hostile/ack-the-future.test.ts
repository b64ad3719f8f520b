import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, messageId, ownerNamed, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('an acknowledgement', () => {
  it('of what was not given deletes nothing: of the future, by a connection that does not listen, by a sibling', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: loose });
    const { peer } = await connect(test, ada, ada.laptop.signer);
    const to = keyBytes(ada.box.signer);
    for (let n = 1; n <= 3; n++) peer.send('mail', { to, id: messageId(n), seconds: 0, body: new Uint8Array(n) });
    for (let n = 1; n <= 3; n++) await peer.next('accepted');
    const shared = { hello: { mode: 'shared' as const } };
    for (const seq of [4, 1_000, Number.MAX_SAFE_INTEGER]) {
      const box = await listen(test, ada, ada.box.signer, shared);
      for (let n = 1; n <= 3; n++) await box.next('deliver');
      box.send('ack', { seq });
      expect(codeOf(await box.gone())).toBe('relay.protocol');
    }
    const box = await listen(test, ada, ada.box.signer, shared);
    const { peer: beside } = await connect(test, ada, ada.box.signer, shared);
    for (const ends of [beside, peer]) {
      ends.send('ack', { seq: 1 });
      expect(codeOf(await ends.gone())).toBe('relay.protocol');
    }
    for (let n = 1; n <= 3; n++) expect((await box.next('deliver')).body.length).toBe(n);
    box.ws.terminate();
    const again = await listen(test, ada, ada.box.signer);
    for (let n = 1; n <= 3; n++) expect((await again.next('deliver')).seq).toBe(n);
  });
});
