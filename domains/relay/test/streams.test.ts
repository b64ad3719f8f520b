import { encodeFrame, maxDataBytes, relayNumbered, limits as wire } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, ownerNamed, type Peer, startRelay } from './support.ts';

const bytes = (length: number, fill = 1) => new Uint8Array(length).fill(fill);

/** Two devices of one owner with a stream from the laptop to the box. */
async function pair(options: Parameters<typeof startRelay>[0] = {}) {
  const ada = await ownerNamed('ada');
  const test = await startRelay(options);
  const box = await listen(test, ada, ada.box.signer);
  const { peer: laptop, welcome } = await connect(test, ada, ada.laptop.signer);
  const near = 1;
  const far = await openStream(laptop, box, near, keyBytes(ada.box.signer));
  return { ada, test, box, laptop, near, far, welcome };
}

async function openStream(from: Peer, to: Peer, channel: number, peer: Uint8Array): Promise<number> {
  from.send('open', { channel, peer, purpose: 7 });
  const open = await to.next('open');
  expect(open.purpose).toBe(7);
  to.send('opened', { channel: open.channel });
  expect((await from.next('opened')).channel).toBe(channel);
  return open.channel;
}

describe('a stream', () => {
  it('carries records both ways, whole and in order, and ends for both', async () => {
    const { ada, laptop, box, near, far, test } = await pair();
    expect(far).toBe(relayNumbered);
    for (let n = 0; n < 50; n++) laptop.send('data', { channel: near, body: bytes(n, n) });
    box.send('data', { channel: far, body: bytes(3, 9) });
    for (let n = 0; n < 50; n++) {
      expect(await box.next('data')).toEqual({ type: 'data', channel: far, body: bytes(n, n) });
    }
    expect(await laptop.next('data')).toEqual({ type: 'data', channel: near, body: bytes(3, 9) });
    box.send('close', { channel: far, code: 0 });
    expect((await laptop.next('close')).code).toBe(0);
    // What is on its way to a stream that just ended is no offence.
    laptop.send('data', { channel: near, body: bytes(10) });
    laptop.send('credit', { channel: near, bytes: 10 });
    laptop.send('close', { channel: near, code: 0 });
    await laptop.settle();
    // Its number is used up; the next one is counted on.
    const next = await openStream(laptop, box, 2, keyBytes(ada.box.signer));
    expect(next).toBe(relayNumbered + 1);
    box.ws.terminate();
    expect(codeOf(await laptop.next('close'))).toBe('relay.not_reachable');
    await laptop.settle();
    expect(test.relay.counts().connections).toBe(1);
  });

  it('is for the family and for contacts; to all others nobody is there', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const test = await startRelay();
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, bob, bob.laptop.signer);
    const open = async (channel: number, to: Uint8Array) => {
      peer.send('open', { channel, peer: to, purpose: 7 });
      return codeOf(await peer.next('close'));
    };
    expect(await open(1, keyBytes(ada.box.signer))).toBe('relay.not_reachable');
    expect(await open(2, keyBytes(ada.phone.signer))).toBe('relay.not_reachable');
    expect(await open(3, keyBytes(bob.box.signer))).toBe('relay.not_reachable');
    box.send('allow', { channel: 1, device: true, id: keyBytes(bob.laptop.signer), verdict: 'allow' });
    await box.next('done');
    await openStream(peer, box, 4, keyBytes(ada.box.signer));
  });

  it('goes to the connection that listens, or to none', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    await connect(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    peer.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 7 });
    expect(codeOf(await peer.next('close'))).toBe('relay.not_reachable');
  });

  it('that nobody takes ends by itself', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    peer.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 7 });
    const { channel } = await box.next('open');
    test.clock.advance(31);
    test.tick();
    expect(codeOf(await peer.next('close'))).toBe('relay.not_reachable');
    expect((await box.next('close')).channel).toBe(channel);
    box.send('opened', { channel });
    await box.settle();
  });

  it('that is refused by the other device says so', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    peer.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 7 });
    box.send('close', { channel: (await box.next('open')).channel, code: 4420 });
    expect(codeOf(await peer.next('close'))).toBe('relay.too_many');
  });

  it('streams are bounded in number, at both ends, and in how fast they are opened', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { streams: 2, requestsPerMinute: 5 } });
    const box = await listen(test, ada, ada.box.signer);
    const { peer: laptop } = await connect(test, ada, ada.laptop.signer);
    const { peer: phone } = await connect(test, ada, ada.phone.signer);
    const to = keyBytes(ada.box.signer);
    await openStream(laptop, box, 1, to);
    await openStream(laptop, box, 2, to);
    laptop.send('open', { channel: 3, peer: to, purpose: 7 });
    expect(codeOf(await laptop.next('close'))).toBe('relay.too_many');
    phone.send('open', { channel: 1, peer: to, purpose: 7 });
    expect(codeOf(await phone.next('close'))).toBe('relay.too_many');
    for (let channel = 4; channel <= 5; channel++) laptop.send('open', { channel, peer: to, purpose: 7 });
    laptop.send('open', { channel: 6, peer: to, purpose: 7 });
    await laptop.settle();
    expect(laptop.all('close').map((frame) => codeOf(frame))).toEqual([
      'relay.too_many',
      'relay.too_many',
      'relay.rate_limited',
    ]);
  });
});

describe('credit', () => {
  it('a sender that ignores it loses its connection, and the reader only the stream', async () => {
    const { laptop, box, near, welcome } = await pair();
    const frame = 8 + 32_760;
    const fits = Math.floor(welcome.window / frame);
    for (let n = 0; n < fits; n++) laptop.send('data', { channel: near, body: bytes(32_760) });
    for (let n = 0; n < fits; n++) await box.next('data');
    laptop.send('data', { channel: near, body: bytes(maxDataBytes) });
    expect(codeOf(await laptop.gone())).toBe('relay.credit_exceeded');
    expect(codeOf(await box.next('close'))).toBe('relay.not_reachable');
    expect(box.all('data')).toEqual([]);
    await box.settle();
  });

  it('counts frame headers, so that empty records are not free', async () => {
    const { laptop, near, welcome } = await pair();
    const burst = Math.floor(welcome.window / 8);
    const empty = encodeFrame('data', { channel: near, body: bytes(0) });
    for (let n = 0; n < burst; n++) laptop.ws.send(empty);
    await laptop.settle();
    laptop.ws.send(empty);
    expect(codeOf(await laptop.gone())).toBe('relay.credit_exceeded');
  });

  it('granted goes to the sender, and no further than the largest window', async () => {
    const { laptop, box, near, far, welcome } = await pair();
    const more = welcome.maxWindow - welcome.window;
    box.send('credit', { channel: far, bytes: more });
    expect(await laptop.next('credit')).toEqual({ type: 'credit', channel: near, bytes: more });
    const each = 32_760;
    const fits = Math.floor(welcome.maxWindow / (each + 8));
    for (let n = 0; n < fits; n++) laptop.send('data', { channel: near, body: bytes(each) });
    for (let n = 0; n < fits; n++) await box.next('data');
    box.send('credit', { channel: far, bytes: welcome.maxWindow });
    await laptop.next('credit');
    box.send('credit', { channel: far, bytes: 1024 });
    expect(codeOf(await box.gone())).toBe('relay.credit_exceeded');
  });

  it('of nothing, or for a stream that is not taken, or never was, is an offence', async () => {
    const { box, far } = await pair();
    box.send('credit', { channel: far, bytes: 0 });
    expect(codeOf(await box.gone())).toBe('relay.credit_exceeded');
    for (const channel of [5, relayNumbered + 1, 0xffff_ffff]) {
      const { laptop } = await pair();
      laptop.send('credit', { channel, bytes: 1 });
      expect(codeOf(await laptop.gone())).toBe('relay.protocol');
    }
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    peer.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 7 });
    peer.send('data', { channel: 1, body: bytes(1) });
    expect(codeOf(await peer.gone())).toBe('relay.protocol');
  });

  it('a reader that stops costs a bounded window, drops nothing, and goes on when it reads again', async () => {
    const { laptop, box, near, far, welcome } = await pair();
    // The reader's TCP window is closed; everything the sender may send waits in the relay or the kernel.
    box.ws.pause();
    const each = 16_376;
    const fits = Math.floor(welcome.window / (each + 8));
    for (let n = 0; n < fits; n++) laptop.send('data', { channel: near, body: bytes(each, n) });
    await laptop.settle();
    box.ws.resume();
    for (let n = 0; n < fits; n++) expect((await box.next('data')).body).toEqual(bytes(each, n));
    box.send('credit', { channel: far, bytes: welcome.window });
    await laptop.next('credit');
    laptop.send('data', { channel: near, body: bytes(each, 77) });
    expect((await box.next('data')).body).toEqual(bytes(each, 77));
  });

  it('a reader that stops with many streams full is cut when more waits than it may', async () => {
    const { ada, test, laptop, box } = await pair({
      limits: { bufferedBytes: 3 * 1024 * 1024, window: 1024 * 1024, maxWindow: 1024 * 1024 },
    });
    const to = keyBytes(ada.box.signer);
    for (let channel = 2; channel <= 24; channel++) await openStream(laptop, box, channel, to);
    box.ws.pause();
    // What the kernels of both ends buffer on loopback comes on top: several MiB.
    const frame = bytes(65_000);
    for (let channel = 1; channel <= 24; channel++) {
      for (let n = 0; n < 15; n++) laptop.send('data', { channel, body: frame });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const closed = await laptop.next('close');
    expect(codeOf(closed)).toBe('relay.not_reachable');
    expect(test.logged.some(({ event, fields }) => event === 'relay.cut' && fields.code === 'relay.too_slow')).toBe(
      true,
    );
    expect(frame.length).toBeLessThan(wire.maxFrameBytes);
  });
});
