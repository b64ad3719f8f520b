import { expect, it } from 'vitest';
import {
  connect,
  keyBytes,
  listen,
  messageId,
  ownerBytes,
  ownerNamed,
  type Peer,
  startRelay,
  temporaryFolder,
} from '../support.ts';
import { countingMeter, wrongCounters } from './counting.ts';

let ids = 0;
const post = (peer: Peer, to: Uint8Array) =>
  peer.send('mail', { to, id: messageId(++ids), seconds: 0, body: new Uint8Array(5) });
async function send(peer: Peer, to: Uint8Array): Promise<string> {
  post(peer, to);
  return peer.answer();
}

let channels = 0;
async function judge(peer: Peer, device: boolean, id: Uint8Array, verdict: 'forget' | 'allow' | 'block') {
  peer.send('allow', { channel: ++channels, device, id, verdict });
  await peer.next('done');
}

async function people() {
  const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
  const folder = await temporaryFolder();
  const test = await startRelay({ folder });
  const { peer: box } = await connect(test, ada, ada.box.signer);
  const { peer: laptop } = await connect(test, bob, bob.laptop.signer);
  const { peer: other } = await connect(test, bob, bob.box.signer);
  return {
    ada,
    bob,
    test,
    folder,
    box,
    laptop,
    other,
    to: keyBytes(ada.box.signer),
    theirs: keyBytes(bob.laptop.signer),
  };
}

it('a block of a device beats an allow of its owner, whichever came first, and goes when it is lifted', async () => {
  const { bob, box, laptop, other, to, theirs } = await people();
  await judge(box, false, ownerBytes(bob), 'allow');
  expect(await send(laptop, to)).toBe('accepted');
  await judge(box, true, theirs, 'block');
  expect([await send(laptop, to), await send(other, to)]).toEqual(['relay.not_reachable', 'accepted']);
  await judge(box, false, ownerBytes(bob), 'allow');
  expect(await send(laptop, to)).toBe('relay.not_reachable');
  await judge(box, true, theirs, 'allow');
  await judge(box, false, ownerBytes(bob), 'block');
  expect([await send(laptop, to), await send(other, to)]).toEqual(['relay.not_reachable', 'relay.not_reachable']);
  await judge(box, false, ownerBytes(bob), 'forget');
  expect([await send(laptop, to), await send(other, to)]).toEqual(['accepted', 'relay.not_reachable']);
});

it('a block drops what waits from there and nothing else', async () => {
  const { ada, bob, test, folder, box, laptop, other, to, theirs } = await people();
  await judge(box, false, ownerBytes(bob), 'allow');
  const { peer: own } = await connect(test, ada, ada.laptop.signer);
  for (const peer of [laptop, other, own, laptop]) expect(await send(peer, to)).toBe('accepted');
  await judge(box, true, theirs, 'block');
  const senders = async () =>
    (await test.store.read('mailAfter', { device: to, after: 0, most: 9, bytes: 1e9, now: 0 })).mail.map(
      (m) => m.sender,
    );
  expect(await senders()).toEqual([keyBytes(bob.box.signer), keyBytes(ada.laptop.signer)]);
  await judge(box, false, ownerBytes(bob), 'block');
  expect(await senders()).toEqual([keyBytes(ada.laptop.signer)]);
  expect(wrongCounters(folder)).toEqual([]);
});

it('a block closes the streams with whom it names, both ways, and no others', async () => {
  const { ada, bob, test, box, laptop, other, to } = await people();
  box.send('listen', { mail: false, streams: true });
  await judge(box, false, ownerBytes(bob), 'allow');
  const { peer: own } = await connect(test, ada, ada.laptop.signer);
  for (const peer of [laptop, other, own]) {
    peer.send('open', { channel: 1, peer: to, purpose: 1 });
    box.send('opened', { channel: (await box.next('open')).channel });
    await peer.next('opened');
  }
  // Who is forgotten opens no stream any more, and keeps those that are open: a block of somebody else ends none of them.
  await judge(box, false, ownerBytes(bob), 'forget');
  await judge(box, true, keyBytes(bob.laptop.signer), 'block');
  expect((await laptop.next('close')).code).toBe(4404);
  await box.next('close');
  for (const peer of [other, own]) {
    await peer.settle();
    expect(peer.all('close')).toEqual([]);
  }
  laptop.send('open', { channel: 2, peer: to, purpose: 1 });
  expect((await laptop.next('close')).code).toBe(4404);
});

it('own devices and own services are not kept away by a block', async () => {
  const ada = await ownerNamed('ada');
  const test = await startRelay({ services: [ada.gate.did] });
  const box = await listen(test, ada, ada.box.signer);
  await judge(box, false, ownerBytes(ada), 'block');
  await judge(box, true, keyBytes(ada.gate), 'block');
  const { peer: laptop } = await connect(test, ada, ada.laptop.signer);
  const { peer: gate } = await connect(test, ada, ada.gate, { chain: [], hello: { owner: null } });
  const to = keyBytes(ada.box.signer);
  expect([await send(laptop, to), await send(gate, to)]).toEqual(['accepted', 'accepted']);
});

it('whoever is blocked is told what anybody is told of a device that does not exist', async () => {
  const { bob, box, laptop, to, theirs } = await people();
  await judge(box, false, ownerBytes(bob), 'allow');
  await judge(box, true, theirs, 'block');
  const answerOf = async (device: Uint8Array) => {
    post(laptop, device);
    const { id: _, ...answer } = await laptop.next('refused');
    return answer;
  };
  const nobody = new Uint8Array(32).fill(77);
  expect(await answerOf(to)).toEqual(await answerOf(nobody));
  const closeOf = async (channel: number, device: Uint8Array) => {
    laptop.send('open', { channel, peer: device, purpose: 1 });
    return (await laptop.next('close')).code;
  };
  expect(await closeOf(1, to)).toBe(await closeOf(2, nobody));
  // Its keys for mail are as empty as those of nobody: it has offered none.
  const keysOf = async (channel: number, device: Uint8Array) => {
    laptop.send('fetch', { channel, device });
    return (await laptop.next('prekeys')).statement;
  };
  expect(await keysOf(3, to)).toBe(await keysOf(4, nobody));
});

it('blocks and allows share one bound', async () => {
  const ada = await ownerNamed('ada');
  const meter = countingMeter();
  const test = await startRelay({ meter, limits: { contacts: 2 } });
  const { peer } = await connect(test, ada, ada.box.signer);
  const say = (n: number, verdict: 'allow' | 'block') =>
    peer.send('allow', { channel: 100 + n, device: true, id: new Uint8Array(32).fill(n), verdict });
  say(1, 'allow');
  say(2, 'block');
  say(2, 'allow');
  for (let n = 0; n < 3; n++) await peer.next('done');
  say(3, 'block');
  expect((await peer.next('error')).code).toBe(4420);
  expect(meter.counts.get('limit_hits contacts')).toBe(1);
});
