import { describe, expect, it } from 'vitest';
import { connect, keyBytes, listen, messageId, ownerNamed, startRelay } from '../support.ts';

describe('many owners', () => {
  it('one of them cannot fill the disk: what waits for all its devices together is bounded', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { ownerMailBytes: 100 } });
    const { peer } = await connect(test, ada, ada.box.signer);
    const send = (n: number, to: typeof ada.box) => {
      peer.send('mail', { to: keyBytes(to.signer), id: messageId(n), seconds: 0, body: new Uint8Array(60) });
      return peer.answer();
    };
    expect(await send(1, ada.laptop)).toBe('accepted');
    expect(await send(2, ada.phone)).toBe('relay.mailbox_full');
    const laptop = await listen(test, ada, ada.laptop.signer);
    laptop.send('ack', { seq: (await laptop.next('deliver')).seq });
    await expect.poll(async () => send(3, ada.phone)).toBe('accepted');
  });
});
