import { makeOwner, manualClock, testSigner } from '@caponier/testkit';
import { expect, it } from 'vitest';
import { type RelayLimits, relayLimits } from '../../src/index.ts';
import {
  connect,
  keyBytes,
  listen,
  messageId,
  ownerBytes,
  ownerNamed,
  type Peer,
  startRelay,
  type TestRelay,
  temporaryFolder,
} from '../support.ts';
import { countingMeter, wrongCounters } from './counting.ts';

let ids = 0;
async function send(peer: Peer, to: Uint8Array, bytes = 10): Promise<string> {
  peer.send('mail', { to, id: messageId(++ids), seconds: 0, body: new Uint8Array(bytes) });
  return peer.answer();
}

async function allow(
  test: TestRelay,
  at: Awaited<ReturnType<typeof ownerNamed>>,
  device: 'box' | 'phone',
  id: Uint8Array,
) {
  const { peer } = await connect(test, at, at[device].signer, { hello: { mode: 'shared' } });
  peer.send('allow', { channel: 1, device: false, id, verdict: 'allow' });
  await peer.next('done');
  peer.ws.terminate();
}

/** Bob's devices may mail both of Ada's. */
async function contacts(limits: Partial<RelayLimits>) {
  const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
  const folder = await temporaryFolder();
  const meter = countingMeter();
  const test = await startRelay({ folder, meter, limits: { mailBurst: 10_000, ...limits } });
  await allow(test, ada, 'box', ownerBytes(bob));
  await allow(test, ada, 'phone', ownerBytes(bob));
  const peers = await Promise.all([bob.laptop, bob.box].map(async (d) => (await connect(test, bob, d.signer)).peer));
  const [laptop, second] = peers as [Peer, Peer];
  return {
    ada,
    bob,
    test,
    folder,
    meter,
    laptop,
    second,
    box: keyBytes(ada.box.signer),
    phone: keyBytes(ada.phone.signer),
  };
}

it('one device of another owner has a share of a box, in messages and in bytes', async () => {
  const { laptop, box, phone, meter, folder, second } = await contacts({ senderMail: 3, senderMailBytes: 1_000 });
  expect([await send(laptop, box), await send(laptop, box), await send(laptop, box)]).not.toContain(
    'relay.sender_full',
  );
  expect(await send(laptop, box)).toBe('relay.sender_full');
  expect(meter.counts.get('limit_hits senderMail')).toBe(1);
  expect(await send(laptop, phone, 900)).toBe('accepted');
  expect(await send(laptop, phone, 101)).toBe('relay.sender_full');
  expect(meter.counts.get('limit_hits senderMailBytes')).toBe(1);
  // It is its own share: its sibling has another.
  expect(await send(second, box)).toBe('accepted');
  expect(wrongCounters(folder)).toEqual([]);
});

it('all devices of another owner share one, so that throwaway devices bring nothing', async () => {
  const { laptop, second, box, phone, meter, folder } = await contacts({ contactMail: 3, contactMailBytes: 1_000 });
  expect([await send(laptop, box), await send(second, box), await send(second, box)]).not.toContain(
    'relay.sender_full',
  );
  expect(await send(laptop, box)).toBe('relay.sender_full');
  expect(await send(second, box)).toBe('relay.sender_full');
  expect(meter.counts.get('limit_hits contactMail')).toBe(2);
  expect(await send(laptop, phone, 600)).toBe('accepted');
  expect(await send(second, phone, 401)).toBe('relay.sender_full');
  expect(meter.counts.get('limit_hits contactMailBytes')).toBe(1);
  expect(wrongCounters(folder)).toEqual([]);
});

it('what one device, and one owner, has waiting with others is bounded over all recipients', async () => {
  const { laptop, second, box, phone, meter } = await contacts({ senderMailTogether: 2, contactMailTogether: 3 });
  expect([await send(laptop, box), await send(laptop, phone)]).toEqual(['accepted', 'accepted']);
  expect(await send(laptop, box)).toBe('relay.sender_full');
  expect(meter.counts.get('limit_hits senderMailTogether')).toBe(1);
  expect([await send(second, box), await send(second, phone)]).toEqual(['accepted', 'relay.sender_full']);
  expect(meter.counts.get('limit_hits contactMailTogether')).toBe(1);
});

it('and in bytes', async () => {
  const { laptop, second, box, phone, meter } = await contacts({
    senderMailBytesTogether: 1_000,
    contactMailBytesTogether: 1_500,
  });
  expect([await send(laptop, box, 500), await send(laptop, phone, 501)]).toEqual(['accepted', 'relay.sender_full']);
  expect([await send(laptop, phone, 500), await send(second, box, 501)]).toEqual(['accepted', 'relay.sender_full']);
  expect(meter.counts.get('limit_hits senderMailBytesTogether')).toBe(1);
  expect(meter.counts.get('limit_hits contactMailBytesTogether')).toBe(1);
});

it('all other owners together leave room for the owner’s own; acknowledged mail gives every share back', async () => {
  const { ada, bob, test, laptop, box, meter, folder } = await contacts({
    pendingMail: 4,
    mailOfContacts: 2,
    mailBytesOfContacts: 1_000,
  });
  const eve = await makeOwner('eve quotas');
  await allow(test, ada, 'box', ownerBytes(eve));
  const { peer: stranger } = await connect(test, eve, eve.laptop.signer);
  expect([await send(laptop, box), await send(stranger, box)]).toEqual(['accepted', 'accepted']);
  expect([await send(laptop, box), await send(stranger, box)]).toEqual(['relay.mailbox_full', 'relay.mailbox_full']);
  expect(meter.counts.get('limit_hits mailOfContacts')).toBe(2);
  const { peer: own } = await connect(test, ada, ada.laptop.signer);
  expect([await send(own, box), await send(own, box)]).toEqual(['accepted', 'accepted']);
  expect(await send(own, box)).toBe('relay.mailbox_full');
  const listener = await listen(test, ada, ada.box.signer);
  for (let n = 0; n < 4; n++) await listener.next('deliver');
  listener.send('ack', { seq: 4 });
  await expect.poll(() => meter.counts.get('mail delivered')).toBe(4);
  expect(await send(laptop, box, 900)).toBe('accepted');
  expect(await send(stranger, box, 101)).toBe('relay.mailbox_full');
  expect(meter.counts.get('limit_hits mailBytesOfContacts')).toBe(1);
  expect(wrongCounters(folder)).toEqual([]);
  expect(bob.id).not.toBe(eve.id);
});

it('all devices of one owner share a rate, also after a restart, and each keeps its own beside it', async () => {
  const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
  const folder = await temporaryFolder();
  const clock = manualClock();
  const meter = countingMeter();
  const limits = { ownerMailBurst: 4, ownerMailPerMinute: 2, mailBurst: 3, mailPerMinute: 2 };
  const first = await startRelay({ folder, clock, meter, limits });
  const post = (peer: Peer, n: number) => {
    peer.send('mail', { to: keyBytes(ada.phone.signer), id: messageId(n), seconds: 0, body: new Uint8Array(1) });
    return peer.answer();
  };
  const { peer: laptop } = await connect(first, ada, ada.laptop.signer);
  const { peer: box } = await connect(first, ada, ada.box.signer);
  for (let n = 0; n < 3; n++) expect(await post(laptop, n)).toBe('accepted');
  expect(await post(box, 3)).toBe('accepted');
  box.send('mail', { to: keyBytes(ada.phone.signer), id: messageId(4), seconds: 0, body: new Uint8Array(1) });
  expect(await box.next('refused')).toMatchObject({ code: 4429, retry: 30 });
  expect([meter.counts.get('limit_hits ownerMailPerMinute'), meter.counts.get('limit_hits mailPerMinute')]).toEqual([
    1,
    undefined,
  ]);
  // Another owner's is its own.
  const { peer: other } = await connect(first, bob, bob.laptop.signer);
  other.send('mail', { to: keyBytes(bob.box.signer), id: messageId(1), seconds: 0, body: new Uint8Array(1) });
  expect(await other.answer()).toBe('accepted');
  await first.close();

  const second = await startRelay({ folder, clock, meter, limits });
  await expect.poll(() => second.relay.isReady()).toBe(true);
  const { peer: again } = await connect(second, ada, ada.box.signer);
  expect(await post(again, 4)).toBe('relay.rate_limited');
  clock.advance(30);
  // What the owner's rate refused was not taken from the device's own.
  expect(await post(again, 4)).toBe('accepted');
  expect(await post(again, 5)).toBe('relay.rate_limited');
  clock.advance(60);
  expect(await post(again, 5)).toBe('accepted');
  expect(await post(again, 6)).toBe('accepted');
  expect(meter.counts.get('limit_hits mailPerMinute')).toBeUndefined();
});

it('twenty devices of one owner that never stop are not held up by it', () => {
  expect(relayLimits.ownerMailPerMinute).toBeGreaterThanOrEqual(20 * relayLimits.mailPerMinute);
  expect(relayLimits.ownerMailBurst).toBeGreaterThanOrEqual(20 * relayLimits.mailBurst);
});

it('a refusal says when to come back, and a rate exactly', async () => {
  const ada = await ownerNamed('ada');
  const test = await startRelay({ limits: { mailBurst: 2, mailPerMinute: 2, pendingMail: 1 } });
  const { peer } = await connect(test, ada, ada.laptop.signer);
  const post = (n: number) =>
    peer.send('mail', { to: keyBytes(ada.box.signer), id: messageId(n), seconds: 0, body: new Uint8Array(1) });
  post(1);
  await peer.next('accepted');
  post(2);
  expect((await peer.next('refused')).retry).toBe(60);
  post(3);
  const { code, retry } = await peer.next('refused');
  expect([code, retry]).toEqual([4429, 30]);
  test.clock.advance(29);
  post(3);
  expect((await peer.next('refused')).retry).toBe(1);
  test.clock.advance(1);
  post(3);
  expect((await peer.next('refused')).code).toBe(4414);
  // Nothing to wait for: nobody is there.
  test.clock.advance(60);
  peer.send('mail', { to: keyBytes(testSigner('nobody')), id: messageId(4), seconds: 0, body: new Uint8Array(1) });
  expect(await peer.next('refused')).toMatchObject({ code: 4404, retry: 0 });
});
