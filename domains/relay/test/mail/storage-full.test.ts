import { expect, it } from 'vitest';
import { connect, keyBytes, listen, messageId, ownerNamed, startRelay, temporaryFolder } from '../support.ts';
import { countingMeter, wrongCounters } from './counting.ts';

const size = 20_000;
const limits = { mailBurst: 10_000 };
/** Room for the tables and about a dozen of these mails. */
const maxBytes = 640 * 1024;

it('full storage refuses, says when to come back, loses nothing, and takes mail again when some was fetched', async () => {
  const ada = await ownerNamed('ada');
  const folder = await temporaryFolder();
  const meter = countingMeter();
  const test = await startRelay({ folder, meter, limits, maxBytes });
  const to = keyBytes(ada.box.signer);
  const { peer } = await connect(test, ada, ada.laptop.signer);
  const post = (n: number) =>
    peer.send('mail', { to, id: messageId(n), seconds: 0, body: new Uint8Array(size).fill(n) });
  let kept = 0;
  for (let answer = 'accepted'; answer === 'accepted'; ) {
    post(kept + 1);
    answer = await peer.answer();
    if (answer === 'accepted') kept += 1;
    else expect(answer).toBe('relay.storage_full');
  }
  expect(kept).toBeGreaterThan(3);
  // For a while it is not even tried.
  post(kept + 1);
  const refused = await peer.next('refused');
  expect(refused.code).toBe(4507);
  expect(refused.retry).toBeGreaterThan(0);
  await test.close();

  // Nothing that was accepted is lost, and it can be fetched and acknowledged though there is no room.
  const again = await startRelay({ folder, meter, limits, maxBytes });
  const box = await listen(again, ada, ada.box.signer);
  for (let n = 1; n <= kept; n++) expect((await box.next('deliver')).body).toEqual(new Uint8Array(size).fill(n));
  const { peer: sender } = await connect(again, ada, ada.laptop.signer);
  sender.send('mail', { to, id: messageId(900), seconds: 0, body: new Uint8Array(size) });
  expect(await sender.answer()).toBe('relay.storage_full');
  box.send('ack', { seq: kept });
  await expect.poll(() => meter.counts.get('mail delivered')).toBe(kept);
  expect(wrongCounters(folder)).toEqual([]);
  again.clock.advance(15);
  again.tick();
  sender.send('mail', { to, id: messageId(900), seconds: 0, body: new Uint8Array(size) });
  await sender.next('accepted');
  await box.next('deliver');
});

it('mail stops before the last of the room is gone', async () => {
  const ada = await ownerNamed('ada');
  const test = await startRelay({ folder: await temporaryFolder(), limits, maxBytes: 2 * 1024 * 1024 });
  const { peer } = await connect(test, ada, ada.laptop.signer);
  let answer = 'accepted';
  for (let n = 1; answer === 'accepted'; n++) {
    peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(n), seconds: 0, body: new Uint8Array(size) });
    answer = await peer.answer();
    test.clock.advance(6);
    test.tick();
    await test.store.read('isAllowed', { device: new Uint8Array(32), sender: new Uint8Array(32), senderOwner: null });
    await peer.settle();
  }
  expect(answer).toBe('relay.storage_full');
  expect(test.logged.filter(({ event }) => event === 'relay.storage_failed')).toEqual([]);
  // What is not mail has room still.
  peer.send('allow', { channel: 1, device: true, id: new Uint8Array(32), verdict: 'allow' });
  await peer.next('done');
});
