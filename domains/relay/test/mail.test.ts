import { maxMailBytes } from '@caponier/protocol';
import { makeOwner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import {
  codeOf,
  connect,
  keyBytes,
  listen,
  messageId,
  ownerBytes,
  ownerNamed,
  startRelay,
  temporaryFolder,
} from './support.ts';

const text = (value: string) => new TextEncoder().encode(value);

describe('mail', () => {
  it('waits for its recipient, comes in order, and is forgotten when acknowledged', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    const test = await startRelay({ folder });
    const { peer: sender } = await connect(test, ada, ada.laptop.signer);
    const to = keyBytes(ada.box.signer);
    for (let n = 1; n <= 5; n++) sender.send('mail', { to, id: messageId(n), seconds: 0, body: text(`mail ${n}`) });
    for (let n = 1; n <= 5; n++) expect((await sender.next('accepted')).id).toEqual(messageId(n));
    const box = await listen(test, ada, ada.box.signer);
    for (let n = 1; n <= 5; n++) {
      const mail = await box.next('deliver');
      expect(mail).toMatchObject({
        seq: n,
        id: messageId(n),
        body: text(`mail ${n}`),
        from: keyBytes(ada.laptop.signer),
      });
    }
    box.send('ack', { seq: 3 });
    await box.settle();
    await expect.poll(() => waiting(test, to)).toEqual([4, 5]);
    await test.close();
    // What was not acknowledged comes again, also after a restart; the numbers go on.
    const again = await startRelay({ folder });
    const listener = await listen(again, ada, ada.box.signer);
    expect([await listener.next('deliver'), await listener.next('deliver')].map(({ seq }) => seq)).toEqual([4, 5]);
    const { peer } = await connect(again, ada, ada.phone.signer);
    peer.send('mail', { to, id: messageId(6), seconds: 0, body: text('more') });
    expect((await listener.next('deliver')).seq).toBe(6);
    listener.send('ack', { seq: 6 });
    await expect.poll(() => waiting(again, to)).toEqual([]);
  });

  it('is stored once, however often it is sent, also after it was acknowledged', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    const mail = { to: keyBytes(ada.box.signer), id: messageId(1), seconds: 0, body: text('once') };
    peer.send('mail', mail);
    peer.send('mail', mail);
    await peer.next('accepted');
    await peer.next('accepted');
    expect((await box.next('deliver')).seq).toBe(1);
    box.send('ack', { seq: 1 });
    await expect.poll(() => waiting(test, mail.to)).toEqual([]);
    peer.send('mail', mail);
    await peer.next('accepted');
    await box.settle();
    expect(box.all('deliver')).toEqual([]);
    // Another message under the same id is a fault of the sender's, not a repetition.
    peer.send('mail', { ...mail, body: text('other') });
    expect(codeOf(await peer.next('refused'))).toBe('relay.id_reused');
  });

  it('goes to one listener: the newest; a device that only sends takes none', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const shared = { hello: { mode: 'shared' } } as const;
    const first = await listen(test, ada, ada.box.signer, shared);
    const second = await listen(test, ada, ada.box.signer, shared);
    const { peer: sending } = await connect(test, ada, ada.box.signer, shared);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    const to = keyBytes(ada.box.signer);
    peer.send('mail', { to, id: messageId(1), seconds: 0, body: text('1') });
    expect((await second.next('deliver')).seq).toBe(1);
    await first.settle();
    await sending.settle();
    expect([...first.all('deliver'), ...sending.all('deliver')]).toEqual([]);
    // The other one takes over, and gets what was not acknowledged.
    first.send('listen', { mail: true, streams: false });
    expect((await first.next('deliver')).seq).toBe(1);
    first.send('ack', { seq: 1 });
    await expect.poll(() => waiting(test, to)).toEqual([]);
  });

  it('is given out within a window, and goes on as it is acknowledged', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { mailWindow: 3 } });
    const { peer } = await connect(test, ada, ada.laptop.signer);
    const to = keyBytes(ada.box.signer);
    const box = await listen(test, ada, ada.box.signer);
    for (let n = 1; n <= 10; n++) peer.send('mail', { to, id: messageId(n), seconds: 0, body: text(`${n}`) });
    for (let n = 1; n <= 10; n++) await peer.next('accepted');
    await box.settle();
    expect(box.all('deliver').map(({ seq }) => seq)).toEqual([1, 2, 3]);
    for (let n = 1; n <= 10; n++) {
      expect((await box.next('deliver')).seq).toBe(n);
      box.send('ack', { seq: n });
    }
    await expect.poll(() => waiting(test, to)).toEqual([]);
  });

  it('is not acknowledged ahead, nor by somebody who was given none', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const { peer } = await connect(test, ada, ada.laptop.signer);
    peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(1), seconds: 0, body: text('1') });
    await peer.next('accepted');
    const box = await listen(test, ada, ada.box.signer);
    await box.next('deliver');
    box.send('ack', { seq: 2 });
    expect(codeOf(await box.gone())).toBe('relay.protocol');
    const { peer: deaf } = await connect(test, ada, ada.box.signer);
    deaf.send('ack', { seq: 1 });
    expect(codeOf(await deaf.gone())).toBe('relay.protocol');
    expect(await waiting(test, keyBytes(ada.box.signer))).toEqual([1]);
  });

  it('is bounded: messages and bytes a recipient, messages a minute of a sender, bytes each', async () => {
    const ada = await ownerNamed('ada');
    const limits = { pendingMail: 4, pendingMailBytes: 1_000, mailBurst: 8, mailPerMinute: 60 };
    const test = await startRelay({ limits });
    const { peer } = await connect(test, ada, ada.laptop.signer);
    const box = keyBytes(ada.box.signer);
    const send = (n: number, bytes: number, to = box) =>
      peer.send('mail', { to, id: messageId(n), seconds: 0, body: new Uint8Array(bytes) });
    for (let n = 1; n <= 3; n++) send(n, 300);
    for (let n = 1; n <= 3; n++) await peer.next('accepted');
    send(4, 300);
    expect(codeOf(await peer.next('refused'))).toBe('relay.mailbox_full');
    send(5, 100);
    await peer.next('accepted');
    send(6, 0);
    expect(codeOf(await peer.next('refused'))).toBe('relay.mailbox_full');
    // Another recipient's is its own.
    send(7, 10, keyBytes(ada.phone.signer));
    send(8, 10, keyBytes(ada.phone.signer));
    await peer.next('accepted');
    await peer.next('accepted');
    send(9, 10, keyBytes(ada.phone.signer));
    expect(codeOf(await peer.next('refused'))).toBe('relay.rate_limited');
    // A new connection brings no new burst, a minute does.
    const { peer: again } = await connect(test, ada, ada.laptop.signer);
    again.send('mail', { to: keyBytes(ada.phone.signer), id: messageId(9), seconds: 0, body: new Uint8Array(1) });
    expect(codeOf(await again.next('refused'))).toBe('relay.rate_limited');
    test.clock.advance(2);
    again.send('mail', { to: keyBytes(ada.phone.signer), id: messageId(9), seconds: 0, body: new Uint8Array(1) });
    await again.next('accepted');
    // What is acknowledged makes room; a refused message may be sent again under its id.
    const listener = await listen(test, ada, ada.box.signer);
    for (let n = 0; n < 4; n++) await listener.next('deliver');
    listener.send('ack', { seq: 4 });
    await expect.poll(() => waiting(test, box)).toEqual([]);
    test.clock.advance(60);
    again.send('mail', { to: box, id: messageId(4), seconds: 0, body: new Uint8Array(300) });
    await again.next('accepted');
    expect((await listener.next('deliver')).body.length).toBe(300);
  });

  it('of the largest size arrives whole', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    const body = new Uint8Array(maxMailBytes).fill(5);
    peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(1), seconds: 0, body });
    expect((await box.next('deliver')).body).toEqual(body);
  });
});

const waiting = async (test: Awaited<ReturnType<typeof startRelay>>, device: Uint8Array) =>
  (await test.store.read('mailAfter', { device, after: 0, most: 100, bytes: 1e9, now: 0 })).mail.map(({ seq }) => seq);

describe('between owners', () => {
  it('mail needs the recipient to have allowed the owner or the device; a refusal says nothing else', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const test = await startRelay();
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, bob, bob.box.signer);
    let n = 0;
    const send = async (to: Uint8Array, from = peer) => {
      n += 1;
      from.send('mail', { to, id: messageId(n), seconds: 0, body: text('hi') });
      return from.answer();
    };
    const to = keyBytes(ada.box.signer);
    expect(await send(to)).toBe('relay.not_reachable');
    expect(await send(keyBytes(ada.phone.signer))).toBe('relay.not_reachable');
    expect(await send(new Uint8Array(32).fill(9))).toBe('relay.not_reachable');

    box.send('allow', { channel: 1, device: false, id: ownerBytes(bob), verdict: 'allow' });
    await box.next('done');
    expect(await send(to)).toBe('accepted');
    await box.next('deliver');
    // One device's list is not another's, and it goes one way.
    expect(await send(keyBytes(ada.phone.signer))).toBe('relay.not_reachable');
    expect(await send(keyBytes(bob.box.signer), box)).toBe('relay.not_reachable');

    box.send('allow', { channel: 2, device: false, id: ownerBytes(bob), verdict: 'forget' });
    await box.next('done');
    expect(await send(to)).toBe('relay.not_reachable');
    box.send('allow', { channel: 3, device: true, id: keyBytes(bob.box.signer), verdict: 'allow' });
    await box.next('done');
    expect(await send(to)).toBe('accepted');
    const { peer: sibling } = await connect(test, bob, bob.laptop.signer);
    expect(await send(to, sibling)).toBe('relay.not_reachable');
  });

  it('contacts are bounded', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { contacts: 2 } });
    const { peer } = await connect(test, ada, ada.box.signer);
    for (let n = 1; n <= 3; n++) {
      peer.send('allow', { channel: n, device: false, id: new Uint8Array(32).fill(n), verdict: 'allow' });
    }
    await peer.next('done');
    await peer.next('done');
    expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
  });

  it('an owner that enrols somebody else’s device can neither reach it nor touch what waits for it', async () => {
    const ada = await ownerNamed('ada');
    const eve = await makeOwner('eve');
    const test = await startRelay();
    const to = keyBytes(ada.box.signer);
    const { peer: laptop } = await connect(test, ada, ada.laptop.signer);
    laptop.send('mail', { to, id: messageId(1), seconds: 0, body: text('for the box') });
    await laptop.next('accepted');
    await listen(test, ada, ada.box.signer).then((peer) => peer.ws.terminate());
    // Eve claims the box as hers, by statement only: its key is not.
    await eve.chain.add('enroll', { device: ada.box.did, box: ada.box.box, role: 'member', name: 'stolen' });
    const { peer } = await connect(test, eve, eve.laptop.signer);
    peer.send('mail', { to, id: messageId(1), seconds: 0, body: text('hello') });
    expect(codeOf(await peer.next('refused'))).toBe('relay.not_reachable');
    peer.send('open', { channel: 1, peer: to, purpose: 1 });
    expect(codeOf(await peer.next('close'))).toBe('relay.not_reachable');
    const { statement } = await eve.chain.add('revoke', { what: 'device', target: ada.box.did });
    await test.relay.present([statement.jws]);
    const box = await listen(test, ada, ada.box.signer);
    expect((await box.next('deliver')).body).toEqual(text('for the box'));
    peer.send('open', { channel: 2, peer: to, purpose: 1 });
    expect(codeOf(await peer.next('close'))).toBe('relay.not_reachable');
  });

  it('a service reaches the devices whose owner names it in its trust, and no others', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const test = await startRelay({ services: [ada.gate.did] });
    const phone = await listen(test, ada, ada.phone.signer);
    await listen(test, bob, bob.phone.signer);
    const { peer: gate } = await connect(test, ada, ada.gate, { chain: [], hello: { owner: null } });
    gate.send('mail', { to: keyBytes(ada.phone.signer), id: messageId(1), seconds: 0, body: text('ask') });
    await gate.next('accepted');
    expect((await phone.next('deliver')).from).toEqual(keyBytes(ada.gate));
    gate.send('mail', { to: keyBytes(bob.phone.signer), id: messageId(2), seconds: 0, body: text('ask') });
    expect(codeOf(await gate.next('refused'))).toBe('relay.not_reachable');
  });

  it('a revoked device loses its mail, and a later one of the same key starts empty', async () => {
    const eve = await makeOwner('eve8');
    const test = await startRelay();
    const { peer } = await connect(test, eve, eve.laptop.signer);
    const to = keyBytes(eve.box.signer);
    peer.send('mail', { to, id: messageId(1), seconds: 0, body: text('old') });
    await peer.next('accepted');
    const { statement } = await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    await test.relay.present([statement.jws]);
    expect(await waiting(test, to)).toEqual([]);
    peer.send('mail', { to, id: messageId(2), seconds: 0, body: text('new') });
    expect(codeOf(await peer.next('refused'))).toBe('relay.not_reachable');
  });
});
