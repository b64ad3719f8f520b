import { expect, it } from 'vitest';
import { connect, keyBytes, listen, messageId, ownerNamed, startRelay, temporaryFolder } from '../support.ts';
import { countingMeter, wrongCounters } from './counting.ts';

const body = new Uint8Array(100);
const day = 86_400;

it('mail is delivered within its time and never after it; the numbers go on over the gap', async () => {
  const ada = await ownerNamed('ada');
  const meter = countingMeter();
  const folder = await temporaryFolder();
  const test = await startRelay({ meter, folder });
  const { peer } = await connect(test, ada, ada.laptop.signer);
  const to = keyBytes(ada.box.signer);
  for (const [n, seconds] of [60, 3_600, 60].entries()) {
    peer.send('mail', { to, id: messageId(n), seconds, body });
    await peer.next('accepted');
  }
  test.clock.advance(61);
  // Before it is swept up it is not given out either.
  const box = await listen(test, ada, ada.box.signer);
  expect((await box.next('deliver')).seq).toBe(2);
  await box.settle();
  expect(box.all('deliver')).toEqual([]);
  test.tick();
  await expect.poll(() => meter.counts.get('mail expired')).toBe(2);
  // The listener is past a gap now, and goes on: from memory, and its acknowledgement counts for all below.
  peer.send('mail', { to, id: messageId(9), seconds: 0, body });
  expect((await box.next('deliver')).seq).toBe(4);
  box.send('ack', { seq: 4 });
  await expect.poll(() => meter.counts.get('mail delivered')).toBe(2);
  expect(wrongCounters(folder)).toEqual([]);
});

it('what expired makes room again', async () => {
  const ada = await ownerNamed('ada');
  const folder = await temporaryFolder();
  const test = await startRelay({ folder, limits: { pendingMail: 2 } });
  const { peer } = await connect(test, ada, ada.laptop.signer);
  const send = (n: number) => {
    peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(n), seconds: 10, body });
    return peer.answer();
  };
  expect([await send(1), await send(2), await send(3)]).toEqual(['accepted', 'accepted', 'relay.mailbox_full']);
  test.clock.advance(11);
  test.tick();
  await expect.poll(() => send(3)).toBe('accepted');
  expect(wrongCounters(folder)).toEqual([]);
});

it('a sender that says nothing gets the relay’s time, one that wants more than the most gets the most', async () => {
  const ada = await ownerNamed('ada');
  const test = await startRelay({ limits: { mailSeconds: 2 * day, mailSecondsMost: 5 * day } });
  const { peer } = await connect(test, ada, ada.laptop.signer);
  const to = keyBytes(ada.box.signer);
  for (const [n, seconds] of [0, 2 ** 32 - 1].entries()) {
    peer.send('mail', { to, id: messageId(n), seconds, body });
    await peer.next('accepted');
  }
  const waiting = async () =>
    (await test.store.read('mailAfter', { device: to, after: 0, most: 9, bytes: 1e9, now: test.clock() })).mail.length;
  test.clock.advance(2 * day - 1);
  expect(await waiting()).toBe(2);
  test.clock.advance(1);
  expect(await waiting()).toBe(1);
  test.clock.advance(3 * day - 1);
  expect(await waiting()).toBe(1);
  test.clock.advance(1);
  expect(await waiting()).toBe(0);
});

it('is swept up in batches: one look deletes so many and no more', async () => {
  const ada = await ownerNamed('ada');
  const test = await startRelay({ limits: { mailBurst: 100 } });
  const { peer } = await connect(test, ada, ada.laptop.signer);
  for (let n = 0; n < 20; n++) {
    peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(n), seconds: 1, body });
    await peer.next('accepted');
  }
  test.clock.advance(2);
  const sweep = () => test.store.run('tidyMail', { now: test.clock(), most: 8 });
  expect([(await sweep()).expired, (await sweep()).expired, (await sweep()).expired]).toEqual([8, 8, 4]);
});
