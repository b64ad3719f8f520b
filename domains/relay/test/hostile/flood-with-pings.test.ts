import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { acceptWebSocket, relayServerOptions } from '../../src/index.ts';
import type { MemoryPeer } from '../memory-peer.ts';
import { startRelay, type TestRelay } from '../support.ts';
import { device, nobody } from './attack.ts';

/** The relay's end of a connection without a network between: what is written waits here while its peer does not read. */
class Wire extends Duplex {
  reads = true;
  written = 0;
  #done: (() => void) | null = null;

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.written += chunk.length;
    if (this.reads) done();
    else this.#done = done;
  }

  readOn(): void {
    this.reads = true;
    this.#done?.();
  }
}

function upgrade(test: TestRelay, wire: Wire): WebSocket {
  const headers = {
    upgrade: 'websocket',
    connection: 'upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
  };
  const request = { method: 'GET', url: '/', headers } as unknown as IncomingMessage;
  const accepted: WebSocket[] = [];
  new WebSocketServer(relayServerOptions).handleUpgrade(request, wire, Buffer.alloc(0), (ws) => {
    acceptWebSocket(test.relay, ws, '192.0.2.1');
    accepted.push(ws);
  });
  return accepted[0]!;
}

/** A ping of 125 bytes with a mask of zeros (RFC 6455 section 5.5.2); its pong has 127. */
const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)]);
const pongBytes = 127;

describe('a device that floods', () => {
  it('with pings of the WebSocket gets no more pongs than it reads', async () => {
    const test = await startRelay();
    const wire = new Wire();
    const ws = upgrade(test, wire);
    let heard = 0;
    ws.on('ping', () => {
      heard += 1;
    });
    const say = async (pings: number) => {
      const until = heard + pings;
      wire.push(Buffer.concat(Array(pings).fill(ping)));
      await expect.poll(() => heard).toBe(until);
    };
    await say(1);
    await expect.poll(() => wire.writableLength).toBe(0);
    wire.reads = false;
    await say(1_000);
    // 16 KiB wait for whoever does not read, and the answer that went above.
    expect(wire.writableLength).toBeGreaterThan(0);
    expect(wire.writableLength).toBeLessThanOrEqual(16 * 1024 + pongBytes);
    wire.readOn();
    await expect.poll(() => wire.writableLength).toBe(0);
    const before = wire.written;
    await say(10);
    await expect.poll(() => wire.written - before).toBe(10 * pongBytes);
    ws.terminate();
  });

  it('with pings of the protocol and does not read the answers is cut as with any other frame', async () => {
    const test = await startRelay({ limits: { bufferedBytes: 10_000 } });
    const peer: MemoryPeer = await device(test);
    const unread = () => peer.has('pong').length * 8;
    Object.defineProperty(peer, 'bufferedAmount', { get: unread });
    for (let n = 0; n < 2_000 && peer.closed === null; n++) {
      peer.say('ping', {});
      await Promise.resolve();
    }
    expect(peer.closed).toBe(1006);
    expect(unread()).toBeLessThanOrEqual(10_000);
    expect(test.relay.counts()).toMatchObject(nobody);
  });
});
