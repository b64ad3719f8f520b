import { sign } from '@caponier/protocol';
import { makeOwner, testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, messageId, ownerNamed, Peer, startRelay } from './support.ts';

/** What somebody tries who is admitted: owners cost nothing where admission is open. */

describe('a device of two owners', () => {
  it('keeps no connection under the owner it left: a revocation there would not find it', async () => {
    const ada = await makeOwner('ada two');
    const eve = await makeOwner('eve two');
    const thief = ada.box;
    const { payload } = ada.chain.signed
      .map(({ statement }) => statement)
      .find(({ kind, payload }) => kind === 'enroll' && (payload as { device: string }).device === thief.did)!;
    const { box } = payload as { box: typeof thief.box };
    await eve.chain.add('enroll', { device: thief.did, box, role: 'member', name: 'mine' });

    const test = await startRelay();
    const laptop = await listen(test, ada, ada.laptop.signer);
    const { peer: old } = await connect(test, ada, thief.signer, { hello: { mode: 'shared' } });
    await connect(test, eve, thief.signer, { hello: { mode: 'shared' } });
    const { statement } = await ada.chain.add('revoke', { what: 'device', target: thief.did });
    await test.relay.present([statement.jws]);

    old.send('mail', { to: keyBytes(ada.laptop.signer), id: messageId(1), seconds: 0, body: new Uint8Array(8) });
    expect(codeOf(await old.gone())).toBe('relay.replaced');
    await laptop.settle();
    expect(laptop.all('deliver')).toEqual([]);
  });
});

describe('many owners', () => {
  it('push nobody who is connected out of memory: its own devices still reach each other', async () => {
    const ada = await ownerNamed('ada');
    const bob = await ownerNamed('bob');
    const test = await startRelay({ limits: { cachedOwners: 1 } });
    await listen(test, ada, ada.laptop.signer);
    const { peer: box } = await connect(test, ada, ada.box.signer);
    await listen(test, bob, bob.laptop.signer);
    box.send('mail', { to: keyBytes(ada.laptop.signer), id: messageId(1), seconds: 0, body: new Uint8Array(8) });
    expect(await box.answer()).toBe('accepted');
    await listen(test, bob, bob.box.signer);
    box.send('open', { channel: 1, peer: keyBytes(ada.laptop.signer), purpose: 1 });
    await box.settle();
    expect(box.all('close')).toEqual([]);
  });

  it('made at one address cost it its challenges: they are not given back for a new owner', async () => {
    const test = await startRelay({ limits: { challengesPerMinute: 2 } });
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    await connect(test, ada, ada.laptop.signer);
    await connect(test, ada, ada.box.signer);
    await connect(test, bob, bob.laptop.signer);
    expect(codeOf(await new Peer(test.url).gone())).toBe('relay.rate_limited');
    test.address = '192.0.2.2';
    await connect(test, ada, ada.phone.signer);
  });

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

  it('one of them cannot open all the meetings, with however many devices and connections', async () => {
    const ada = await ownerNamed('ada');
    const bob = await ownerNamed('bob');
    const test = await startRelay({ limits: { meetings: 4, meetingsPerOwner: 2 } });
    const name = (n: number) => new Uint8Array(32).fill(n);
    const shared = { hello: { mode: 'shared' as const } };
    for (const [n, signer] of [ada.laptop, ada.laptop, ada.box, ada.phone].entries()) {
      const { peer } = await connect(test, ada, signer.signer, shared);
      peer.send('meet', { channel: 1, join: false, name: name(n) });
      if (n < 2) await peer.next('met');
      else expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
    }
    const { peer } = await connect(test, bob, bob.laptop.signer);
    peer.send('meet', { channel: 1, join: false, name: name(9) });
    await peer.next('met');
  });
});

describe('peers that do not read', () => {
  it('hold a bounded sum together: the one that holds most is cut', async () => {
    const test = await startRelay({ limits: { bufferedBytesTogether: 1_000 } });
    const cut: string[] = [];
    const hold = (name: string, bufferedAmount: number) =>
      test.relay.handleSocket({ bufferedAmount, send() {}, close() {}, terminate: () => cut.push(name) }, name);
    hold('little', 300);
    hold('most', 900);
    hold('much', 600);
    test.tick();
    expect(cut).toEqual(['most']);
  });
});

describe('statements from a device', () => {
  it('that are to be verified come in few at a time', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const { peer } = await connect(test, ada, ada.box.signer);
    const flood = await Promise.all(
      Array.from({ length: 64 }, (_, n) =>
        sign(testSigner(`nobody ${n}`), 'cosign', {
          aud: ada.id,
          of: ada.id,
          iat: test.clock.seconds(),
          exp: test.clock.seconds() + 60,
          nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
        }),
      ),
    );
    peer.send('news', { channel: 1, statements: flood });
    expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
    peer.send('news', { channel: 2, statements: flood.slice(0, 17) });
    await peer.next('done');
  });
});

describe('a contact', () => {
  it('cannot take all the streams of a device: its owner still gets through', async () => {
    const ada = await ownerNamed('ada');
    const bob = await ownerNamed('bob');
    const test = await startRelay({ limits: { streams: 4, streamsOfContact: 2 } });
    const box = await listen(test, ada, ada.box.signer);
    box.send('allow', { channel: 1, device: true, id: keyBytes(bob.laptop.signer), verdict: 'allow' });
    await box.next('done');
    const { peer: stranger } = await connect(test, bob, bob.laptop.signer);
    for (let channel = 1; channel <= 4; channel++) {
      stranger.send('open', { channel, peer: keyBytes(ada.box.signer), purpose: 1 });
    }
    for (let n = 0; n < 2; n++) expect(codeOf(await stranger.next('close'))).toBe('relay.too_many');
    const { peer: laptop } = await connect(test, ada, ada.laptop.signer);
    laptop.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 1 });
    await laptop.settle();
    expect(laptop.all('close')).toEqual([]);
  });
});
