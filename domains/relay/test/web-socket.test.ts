import { once } from 'node:events';
import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { acceptWebSocket, type Relay, type RelaySocket } from '../src/index.ts';
import { Peer, startRelay } from './support.ts';

it('answers a ping with what it said', async () => {
  const test = await startRelay();
  const peer = new Peer(test.url);
  await peer.next('challenge');
  peer.ws.ping('are you there');
  const [said] = await once(peer.ws, 'pong');
  expect(said.toString()).toBe('are you there');
});

it('writes a large frame as it is, where nothing waits', () => {
  expect(writes(0)).toBe(64 * 1024);
});

it('writes a large frame by itself, where it has to wait: not with all that came with it', () => {
  expect(writes(1)).toBe(20_000);
});

/** Sends a frame that lies in 64 KiB of input, where so much waits; yields the bytes that are held by what was written. */
function writes(writableLength: number): number {
  const written: Uint8Array[] = [];
  const ws = {
    readyState: 1,
    on() {
      return ws;
    },
    _receiver: { on() {} },
    _socket: {
      writable: true,
      writableLength,
      cork() {},
      uncork() {},
      write: (bytes: Uint8Array) => void written.push(bytes),
    },
  };
  const made: RelaySocket[] = [];
  const relay = { handleSocket: (socket: RelaySocket) => void made.push(socket) } as unknown as Relay;
  acceptWebSocket(relay, ws as unknown as WebSocket, 'address');
  const chunk = new Uint8Array(64 * 1024).fill(7);
  made[0]!.send([chunk.subarray(100, 20_100)]);
  const body = written.at(-1)!;
  expect(body).toHaveLength(20_000);
  expect(body.every((byte) => byte === 7)).toBe(true);
  return body.buffer.byteLength;
}
