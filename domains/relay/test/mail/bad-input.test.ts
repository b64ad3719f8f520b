import { maxMailBytes } from '@caponier/protocol';
import { expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, messageId, ownerNamed, startRelay, temporaryFolder } from '../support.ts';
import { wrongCounters } from './counting.ts';

const text = (value: string) => new TextEncoder().encode(value);

async function two() {
  const ada = await ownerNamed('ada');
  const folder = await temporaryFolder();
  const test = await startRelay({ folder, limits: { mailBurst: 1_000 } });
  const { peer } = await connect(test, ada, ada.laptop.signer);
  const to = keyBytes(ada.box.signer);
  const waiting = async () =>
    (await test.store.read('mailAfter', { device: to, after: 0, most: 100, bytes: 1e9, now: 0 })).mail.map(
      (m) => m.seq,
    );
  const post = (n: number, body: Uint8Array, device = to) =>
    peer.send('mail', { to: device, id: messageId(n), seconds: 0, body });
  return { ada, folder, test, peer, to, waiting, post };
}

it('an acknowledgement of the future ends the connection and deletes nothing', async () => {
  const { ada, test, peer, post, waiting } = await two();
  post(1, text('1'));
  await peer.next('accepted');
  for (const seq of [2, 1_000_000, Number.MAX_SAFE_INTEGER]) {
    const box = await listen(test, ada, ada.box.signer);
    await box.next('deliver');
    box.send('ack', { seq });
    expect(codeOf(await box.gone())).toBe('relay.protocol');
  }
  expect(await waiting()).toEqual([1]);
});

it('acknowledgements count once, in any order, and only for one’s own mail', async () => {
  const { ada, folder, test, peer, post, waiting } = await two();
  for (let n = 1; n <= 4; n++) post(n, text('x'));
  for (let n = 1; n <= 4; n++) await peer.next('accepted');
  const box = await listen(test, ada, ada.box.signer);
  for (let n = 1; n <= 4; n++) await box.next('deliver');
  // 3 covers 1 and 2, which come late; 3 comes twice; 0 is of nothing.
  for (const seq of [3, 1, 2, 3, 0, 3]) box.send('ack', { seq });
  await expect.poll(waiting).toEqual([4]);
  // A device that was given mail of its own acknowledges that, and never a sibling's.
  peer.send('listen', { mail: true, streams: false });
  box.send('mail', { to: keyBytes(ada.laptop.signer), id: messageId(50), seconds: 0, body: text('y') });
  await peer.next('deliver');
  peer.send('ack', { seq: 1 });
  await peer.settle();
  expect(await waiting()).toEqual([4]);
  peer.send('ack', { seq: 4 });
  expect(codeOf(await peer.gone())).toBe('relay.protocol');
  expect(await waiting()).toEqual([4]);
  expect(wrongCounters(folder)).toEqual([]);
});

it('listening twice gives nothing twice; stopping gives nothing; another connection takes over where it was', async () => {
  const { ada, test, peer, post, waiting } = await two();
  post(1, text('1'));
  await peer.next('accepted');
  const shared = { hello: { mode: 'shared' } } as const;
  const box = await listen(test, ada, ada.box.signer, shared);
  await box.next('deliver');
  box.send('listen', { mail: true, streams: false });
  box.send('listen', { mail: true, streams: true });
  await box.settle();
  expect(box.all('deliver')).toEqual([]);
  box.send('listen', { mail: false, streams: false });
  post(2, text('2'));
  await peer.next('accepted');
  await box.settle();
  expect(box.all('deliver')).toEqual([]);
  const other = await listen(test, ada, ada.box.signer, shared);
  expect([(await other.next('deliver')).seq, (await other.next('deliver')).seq]).toEqual([1, 2]);
  // The first one's acknowledgement of what it was given still counts.
  box.send('ack', { seq: 1 });
  await expect.poll(waiting).toEqual([2]);
  box.send('listen', { mail: true, streams: false });
  expect((await box.next('deliver')).seq).toBe(2);
});

it('one message, many times at once: stored once, accepted each time; another body, or recipient, under its id is refused', async () => {
  const { ada, folder, peer, post, waiting } = await two();
  for (let n = 0; n < 10; n++) post(7, text('same'));
  for (let n = 0; n < 10; n++) expect(await peer.answer()).toBe('accepted');
  expect(await waiting()).toEqual([1]);
  post(7, text('other'));
  expect(await peer.answer()).toBe('relay.id_reused');
  post(7, text('same'), keyBytes(ada.phone.signer));
  expect(await peer.answer()).toBe('relay.id_reused');
  post(8, text('same'));
  post(8, text('other'));
  expect([await peer.answer(), await peer.answer()]).toEqual(['accepted', 'relay.id_reused']);
  expect(await waiting()).toEqual([1, 2]);
  expect(wrongCounters(folder)).toEqual([]);
});

it('a message that was taken is accepted again though the box is full by now', async () => {
  const ada = await ownerNamed('ada');
  const test = await startRelay({ limits: { pendingMail: 1 } });
  const { peer } = await connect(test, ada, ada.laptop.signer);
  const answers: string[] = [];
  for (const n of [1, 2, 1]) {
    peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(n), seconds: 0, body: text('x') });
    answers.push(await peer.answer());
  }
  expect(answers).toEqual(['accepted', 'relay.mailbox_full', 'accepted']);
});

it('a body may be empty, or of the most; one more byte ends the connection', async () => {
  const { ada, test, peer, post, folder } = await two();
  const box = await listen(test, ada, ada.box.signer);
  post(1, new Uint8Array(0));
  post(2, new Uint8Array(maxMailBytes).fill(9));
  expect((await box.next('deliver')).body).toEqual(new Uint8Array(0));
  expect((await box.next('deliver')).body).toEqual(new Uint8Array(maxMailBytes).fill(9));
  const over = new Uint8Array(8 + 32 + 16 + 4 + maxMailBytes + 1);
  over.set([1, 0x10]);
  peer.raw(over);
  expect(codeOf(await peer.gone())).toBe('relay.too_large');
  expect(wrongCounters(folder)).toEqual([]);
});

it('mails of many senders at once keep each sender’s order', async () => {
  const ada = await ownerNamed('ada');
  const folder = await temporaryFolder();
  const test = await startRelay({ folder, limits: { mailBurst: 1_000 } });
  const peers = await Promise.all(
    [ada.laptop, ada.phone].map(async ({ signer }) => (await connect(test, ada, signer)).peer),
  );
  const box = await listen(test, ada, ada.box.signer);
  for (let n = 0; n < 100; n++) {
    for (const [who, peer] of peers.entries()) {
      peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(n), seconds: 0, body: new Uint8Array([who, n]) });
    }
  }
  const seen: number[][] = [[], []];
  for (let n = 1; n <= 200; n++) {
    const { seq, body } = await box.next('deliver');
    expect(seq).toBe(n);
    seen[body[0]!]!.push(body[1]!);
    box.send('ack', { seq });
  }
  const all = Array.from({ length: 100 }, (_, n) => n);
  expect(seen).toEqual([all, all]);
  await expect.poll(() => wrongCounters(folder)).toEqual([]);
});
