import { connect as connectTcp } from 'node:net';
import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { connect, keyBytes, later, listen, membershipOf, ownerNamed, startRelay } from '../support.ts';

const upgrade =
  'GET / HTTP/1.1\r\nHost: r\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

/** Beginnings of messages that never end, as they are on the wire. */
const endless: Record<string, number[]> = {
  'a header and no more': [0x82, 0xfe, 0x10, 0],
  'a body of which a byte is there': [0x82, 0x90, 0, 0, 0, 0, 1],
  'a first part without a second': [0x02, 0x81, 0, 0, 0, 0, 1],
  'half a ping': [0x89, 0x85, 0, 0],
};

describe('a message that begins and does not end', () => {
  for (const [what, bytes] of Object.entries(endless)) {
    it(`of a stranger: ${what}`, async () => {
      const test = await startRelay({ limits: { handshakeMs: 600_000 } });
      const socket = connectTcp(Number(new URL(test.url).port), '127.0.0.1');
      later(() => socket.destroy());
      let ended = false;
      socket.on('close', () => {
        ended = true;
      });
      socket.on('error', () => {});
      let last = Buffer.alloc(0);
      socket.on('data', (piece) => {
        last = Buffer.concat([last, piece]).subarray(-2);
      });
      socket.write(upgrade);
      await expect.poll(() => test.relay.counts().strangers).toBe(1);
      // A ping before it: its answer tells that what came with it was read.
      socket.write(new Uint8Array([0x89, 0x80, 0, 0, 0, 0, ...bytes]));
      await expect.poll(() => [...last]).toEqual([0x8a, 0]);
      test.tick();
      test.clock.advance(29);
      test.tick();
      expect(ended).toBe(false);
      test.clock.advance(2);
      test.tick();
      await expect.poll(() => ended).toBe(true);
      expect(test.relay.counts().connections).toBe(0);
    });
  }

  it('of a device, which is cut just so, and one that goes on in time is not', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const { peer } = await connect(test, ada, ada.box.signer);
    const { peer: other } = await connect(test, ada, ada.laptop.signer);
    const raw = (from: typeof peer) => (from.ws as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket;
    raw(peer).write(new Uint8Array([0x02, 0x81, 0, 0, 0, 0, 1]));
    // A ping between the parts of a message is no end of it.
    raw(peer).write(new Uint8Array([0x89, 0x80, 0, 0, 0, 0]));
    await other.settle();
    test.tick();
    test.clock.advance(20);
    await other.settle();
    raw(peer).write(new Uint8Array([0x00, 0x81, 0, 0, 0, 0, 1]));
    await new Promise((resolve) => setTimeout(resolve, 30));
    test.clock.advance(11);
    test.tick();
    expect(await peer.gone()).toBe(1006);
    await other.settle();
  });
});

describe('a reader', () => {
  it('that stops is cut when nothing of what waits was read for 30 seconds; a slow one is not', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const stopped = new MemoryPeer(test.relay);
    const slow = new MemoryPeer(test.relay);
    for (const [peer, device] of [
      [stopped, ada.box],
      [slow, ada.laptop],
    ] as const) {
      await peer.hello(device.signer, ada.id, membershipOf(ada), test.clock.seconds());
      peer.bufferedAmount = 10_000;
    }
    for (let n = 0; n < 31; n++) {
      test.tick();
      test.clock.advance(1);
      for (const peer of [stopped, slow]) peer.say('ping', {});
      slow.bufferedAmount -= 1;
    }
    test.tick();
    expect([stopped.closed, slow.closed]).toEqual([1006, null]);
  });

  it('that stops, on a real socket, too', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { window: 8 * 1024 * 1024, maxWindow: 8 * 1024 * 1024, pendingMail: 10 } });
    const box = await listen(test, ada, ada.box.signer);
    const { peer: sender } = await connect(test, ada, ada.laptop.signer);
    sender.send('open', { channel: 1, peer: keyBytes(ada.box.signer), purpose: 1 });
    const { channel } = await box.next('open');
    box.send('opened', { channel });
    await sender.next('opened');
    box.ws.pause();
    for (let n = 0; n < 110; n++) sender.send('data', { channel: 1, body: new Uint8Array(65_000) });
    await sender.settle();
    test.tick();
    expect(test.relay.counts().bufferedBytes).toBeGreaterThan(0);
    for (let n = 0; n < 31; n++) {
      test.clock.advance(1);
      test.tick();
    }
    await expect.poll(() => test.relay.counts().devices).toBe(1);
    await sender.settle();
  });
});
