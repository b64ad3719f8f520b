import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, messageId, ownerNamed, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('what is said twice', () => {
  it('has one effect, or ends the connection: mail, ack, listen, opened, close, meet', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: loose });
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    const mail = { to: keyBytes(ada.box.signer), id: messageId(1), seconds: 0, body: new Uint8Array(9) };
    for (let n = 0; n < 3; n++) peer.send('mail', mail);
    for (let n = 0; n < 3; n++) await peer.next('accepted');
    const { seq } = await box.next('deliver');
    box.send('listen', { mail: true, streams: true });
    for (let n = 0; n < 3; n++) box.send('ack', { seq });
    await box.settle();
    expect(box.all('deliver').filter((each) => each.seq !== seq)).toEqual([]);

    peer.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 1 });
    const { channel } = await box.next('open');
    box.send('opened', { channel });
    await peer.next('opened');
    peer.send('close', { channel: 1, code: 0 });
    peer.send('close', { channel: 1, code: 0 });
    await peer.settle();
    expect((await box.next('close')).channel).toBe(channel);
    expect(box.all('close')).toEqual([]);

    peer.send('open', { channel: 2, peer: keyBytes(ada.box.signer), purpose: 1 });
    const second = await box.next('open');
    box.send('opened', { channel: second.channel });
    box.send('opened', { channel: second.channel });
    expect(codeOf(await box.gone())).toBe('relay.protocol');

    peer.send('meet', { channel: 5, join: false, name: new Uint8Array(32) });
    peer.send('meet', { channel: 5, join: false, name: new Uint8Array(32).fill(1) });
    expect(codeOf(await peer.gone())).toBe('relay.protocol');
    await expect.poll(() => test.relay.counts()).toMatchObject({ connections: 0, meetings: 0, streams: 0 });
  });
});
