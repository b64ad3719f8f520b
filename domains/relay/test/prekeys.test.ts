import { toBase64url } from '@caponier/crypto';
import { type Signer, sign } from '@caponier/protocol';
import { makeOwner, seededRandom, type TestDevice } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, messageId, ownerBytes, ownerNamed, type Peer, startRelay } from './support.ts';

const random = seededRandom('prekeys');
async function prekeysOf(device: TestDevice, oneTime: boolean, signer: Signer = device.signer): Promise<string> {
  return sign(signer, 'prekeys', {
    aud: 'any',
    versions: [1],
    box: device.box,
    prekey: toBase64url(random(32)),
    kem: toBase64url(random(1184)),
    oneTime: oneTime ? toBase64url(random(32)) : null,
    iat: 1_800_000_000,
    nonce: toBase64url(messageId(1)),
  });
}
let channel = 0;
async function fetchFrom(peer: Peer, device: TestDevice): Promise<string> {
  channel += 1;
  peer.send('fetch', { channel, device: keyBytes(device.signer) });
  const frame = await peer.next('prekeys');
  expect(frame.channel).toBe(channel);
  return frame.statement;
}

describe('prekeys', () => {
  it('one-time ones leave once, five a peer an hour, to family and contacts; then the last resort', async () => {
    const [ada, bob, cat] = await Promise.all(['ada', 'bob', 'cat'].map(ownerNamed));
    const test = await startRelay();
    const { peer: box } = await connect(test, ada!, ada!.box.signer);
    const oneTime = await Promise.all(Array.from({ length: 12 }, () => prekeysOf(ada!.box, true)));
    const last = await prekeysOf(ada!.box, false);
    box.send('offer', { channel: 1, statements: [last, ...oneTime] });
    await box.next('done');
    box.send('allow', { channel: 2, device: false, id: ownerBytes(bob!), verdict: 'allow' });
    await box.next('done');

    const { peer: contact } = await connect(test, bob!, bob!.laptop.signer);
    const got: string[] = [];
    for (let n = 0; n < 4; n++) got.push(await fetchFrom(contact, ada!.box));
    // Another device of the same owner is the same peer.
    const { peer: sibling } = await connect(test, bob!, bob!.phone.signer);
    got.push(await fetchFrom(sibling, ada!.box));
    expect(got).toEqual(oneTime.slice(0, 5));
    expect(await fetchFrom(sibling, ada!.box)).toBe(last);
    expect(await fetchFrom(contact, ada!.box)).toBe(last);
    // A stranger gets the last resort, and uses nothing up.
    const { peer: stranger } = await connect(test, cat!, cat!.laptop.signer);
    expect(await fetchFrom(stranger, ada!.box)).toBe(last);
    expect(await fetchFrom(stranger, ada!.phone)).toBe('');
    const { peer: laptop } = await connect(test, ada!, ada!.laptop.signer);
    expect(await fetchFrom(laptop, ada!.box)).toBe(oneTime[5]);
    test.clock.advance(3601);
    expect(await fetchFrom(contact, ada!.box)).toBe(oneTime[6]);
    // What was handed out is not taken in again; the device is told how many are left.
    box.send('offer', { channel: 3, statements: oneTime });
    await box.next('done');
    const { welcome } = await connect(test, ada!, ada!.box.signer);
    expect(welcome.oneTime).toBe(5);
  });

  it('are signed by the device itself, and bounded', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { prekeys: 3 } });
    const { peer } = await connect(test, ada, ada.box.signer);
    const tooMany = await Promise.all(Array.from({ length: 4 }, () => prekeysOf(ada.box, true)));
    peer.send('offer', { channel: 1, statements: tooMany });
    expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
    expect(await fetchFrom(peer, ada.box)).toBe('');
    peer.send('offer', { channel: 2, statements: [tooMany[0]!.replace(/.$/, 'A').replace(/..$/, 'BA')] });
    expect(codeOf(await peer.next('error'))).toBe('relay.bad_statement');
    peer.send('offer', { channel: 3, statements: [await prekeysOf(ada.box, true, ada.laptop.signer)] });
    expect(codeOf(await peer.gone())).toBe('relay.protocol');
  });

  it('count as requests by how many there are to check', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { requestsPerMinute: 10 } });
    const { peer } = await connect(test, ada, ada.box.signer);
    const statements = await Promise.all(Array.from({ length: 33 }, () => prekeysOf(ada.box, true)));
    for (const channel of [1, 2]) {
      peer.send('offer', { channel, statements });
      expect((await peer.next('done')).channel).toBe(channel);
    }
    peer.send('offer', { channel: 3, statements: statements.slice(0, 1) });
    expect(codeOf(await peer.next('error'))).toBe('relay.rate_limited');
  });

  it('of an offer that takes longer to look at are not taken after those of the next', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const { peer } = await connect(test, ada, ada.box.signer);
    const many = await Promise.all(Array.from({ length: 40 }, () => prekeysOf(ada.box, true)));
    const newest = await prekeysOf(ada.box, false);
    peer.send('offer', { channel: 1, statements: [await prekeysOf(ada.box, false), ...many] });
    peer.send('offer', { channel: 2, statements: [newest] });
    for (const channel of [1, 2]) expect((await peer.next('done')).channel).toBe(channel);
    for (let n = 0; n < 5; n++) await fetchFrom(peer, ada.box);
    expect(await fetchFrom(peer, ada.box)).toBe(newest);
  });

  it('of a device that is cut meanwhile are dropped, and no fault of the storage', async () => {
    const eve = await makeOwner('eve who offers');
    const test = await startRelay();
    const { peer } = await connect(test, eve, eve.box.signer);
    const statements = await Promise.all(Array.from({ length: 90 }, () => prekeysOf(eve.box, true)));
    const { statement } = await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    peer.send('offer', { channel: 1, statements });
    await peer.settle();
    await test.relay.present([statement.jws]);
    expect(codeOf(await peer.gone())).toBe('relay.revoked');
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(test.logged.filter(({ event }) => event === 'relay.storage_failed')).toEqual([]);
  });

  it('the newest last resort replaces the one before', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const { peer } = await connect(test, ada, ada.box.signer);
    const [one, two] = [await prekeysOf(ada.box, false), await prekeysOf(ada.box, false)];
    peer.send('offer', { channel: 1, statements: [one] });
    peer.send('offer', { channel: 2, statements: [two] });
    for (const channel of [1, 2]) expect((await peer.next('done')).channel).toBe(channel);
    expect(await fetchFrom(peer, ada.box)).toBe(two);
    expect(await fetchFrom(peer, ada.box)).toBe(two);
  });
});
