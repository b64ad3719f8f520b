import { connect as connectTcp, type Socket } from 'node:net';
import { encodeFrame } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { connect, helloOf, later, membershipOf, ownerNamed, startRelay, type TestRelay } from '../support.ts';

/**
 * Bytes that a stranger may get above what it sent: the answer that opens the WebSocket (129), the challenge (74), and
 * one close with its code and when to come back (25 at most).
 */
const greeting = 256;

/** A WebSocket by hand, which counts bytes as they are on the wire. */
class Wire {
  readonly socket: Socket;
  sent = 0;
  got = 0;
  ended = false;
  challenge: Uint8Array | null = null;

  constructor(url: string) {
    const { port } = new URL(url);
    this.socket = connectTcp(Number(port), '127.0.0.1');
    let head = Buffer.alloc(0);
    this.socket.on('data', (bytes) => {
      this.got += bytes.length;
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end >= 0 && head.length >= end + 4 + 2 + 72)
        this.challenge ??= head.subarray(end + 4 + 2 + 40, end + 4 + 2 + 72);
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.ended = true;
    });
    later(() => this.socket.destroy());
    this.write(
      'GET / HTTP/1.1\r\nHost: r\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
  }

  write(bytes: string | Uint8Array): void {
    this.sent += bytes.length;
    this.socket.write(bytes);
  }

  /** One frame with a mask of zeros (RFC 6455 section 5.3). */
  frame(first: number, body: Uint8Array, declared = body.length): void {
    const header = declared < 126 ? [first, 0x80 | declared] : [first, 0x80 | 126, declared >> 8, declared & 255];
    this.write(new Uint8Array([...header, 0, 0, 0, 0, ...body]));
  }
}

async function begin(test: TestRelay): Promise<Wire> {
  const wire = new Wire(test.url);
  await expect.poll(() => wire.challenge).not.toBeNull();
  return wire;
}

const quiet = () => new Promise((resolve) => setTimeout(resolve, 50));

describe('a stranger never gets more than it sent and a greeting', () => {
  const attempts: Record<string, (wire: Wire, test: TestRelay) => Promise<void> | void> = {
    'by silence': () => {},
    'by pings of the WebSocket': (wire) => {
      for (let n = 0; n < 500; n++) wire.frame(0x89, new Uint8Array(125));
    },
    // All at once, most of them go unanswered.
    'by one ping after another': async (wire) => {
      for (let n = 0; n < 50; n++) {
        const { got } = wire;
        wire.frame(0x89, new Uint8Array(125));
        await expect.poll(() => wire.got, { interval: 1 }).toBeGreaterThan(got);
      }
    },
    'by frames that are none': (wire) => wire.frame(0x82, new Uint8Array(3)),
    'by text': (wire) => wire.frame(0x81, new Uint8Array(3)),
    'by frames that only devices may send': (wire) => {
      for (let n = 0; n < 100; n++) wire.frame(0x82, encodeFrame('fetch', { channel: 1, device: new Uint8Array(32) }));
    },
    'by looking for meetings': (wire) => {
      for (let n = 0; n < 100; n++)
        wire.frame(0x82, encodeFrame('meet', { channel: n + 1, join: true, name: new Uint8Array(32).fill(n) }));
    },
    'by statements without end': (wire) => {
      for (let n = 0; n < 60; n++)
        wire.frame(0x82, encodeFrame('news', { statements: Array(10).fill('x'.repeat(900)) }));
    },
    'by a hello that is refused': async (wire, test) => {
      const ada = await ownerNamed('ada');
      const bob = await ownerNamed('bob');
      const hello = await helloOf(bob.box.signer, wire.challenge!, test.clock.seconds(), { owner: ada.id });
      const chain = membershipOf(ada);
      wire.frame(0x82, encodeFrame('hello', { hello, ticket: '', resume: new Uint8Array(0), chain }));
    },
    'by a close that is answered': (wire) => wire.frame(0x88, new Uint8Array([3, 232])),
    'by a message that is too large': (wire) =>
      wire.write(new Uint8Array([0x82, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])),
  };
  for (const [how, act] of Object.entries(attempts)) {
    it(how, async () => {
      const test = await startRelay();
      const wire = await begin(test);
      await act(wire, test);
      await quiet();
      // Whoever does not answer a close is cut.
      for (let n = 0; n < 3; n++) {
        test.clock.advance(6);
        test.tick();
      }
      await expect.poll(() => test.relay.counts().strangers).toBe(0);
      expect(wire.got).toBeGreaterThan(74);
      expect(wire.got).toBeLessThanOrEqual(wire.sent + greeting);
    });
  }

  it('also when it is turned away', async () => {
    const test = await startRelay({ limits: { challengesPerMinute: 1 } });
    await begin(test);
    const late = new Wire(test.url);
    await expect.poll(() => late.got).toBeGreaterThan(0);
    await quiet();
    expect(late.got).toBeLessThanOrEqual(late.sent + greeting);
    expect(test.relay.turnsAway(test.address)).toEqual({ status: 429, retryAfter: 60 });
  });

  it('in a meeting, but for what the other party says within its budget', async () => {
    const test = await startRelay({ limits: { meetingBytes: 10_000 } });
    const ada = await ownerNamed('ada');
    const { peer } = await connect(test, ada, ada.box.signer);
    const name = new Uint8Array(32).fill(7);
    peer.send('meet', { channel: 1, join: false, name });
    await peer.next('met');
    const wire = await begin(test);
    wire.frame(0x82, encodeFrame('meet', { channel: 1, join: true, name }));
    await peer.next('met');
    for (let n = 0; n < 20; n++) peer.send('say', { channel: 1, body: new Uint8Array(1_000) });
    await peer.next('leave');
    await quiet();
    expect(wire.got).toBeGreaterThan(10_000);
    expect(wire.got).toBeLessThanOrEqual(wire.sent + greeting + 10_000 + 10 * 16);
  });
});
