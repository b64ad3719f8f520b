import { encodeFrame, relayErrorOf } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { startRelay } from '../support.ts';
import { idle, inEveryState, loose } from './attack.ts';

const name = new Uint8Array(32).fill(9);
/** Frames, and the states in which they may not come. */
const misplaced: readonly [frame: Uint8Array, ...states: ('new' | 'ready' | 'guest')[]][] = [
  [encodeFrame('hello', idle), 'ready', 'guest'],
  [encodeFrame('news', { channel: 1, statements: [] }), 'new', 'guest'],
  [encodeFrame('ping', {}), 'new'],
  [encodeFrame('pong', {}), 'new'],
  [encodeFrame('listen', { mail: true, streams: true }), 'new', 'guest'],
  [encodeFrame('mail', { to: name, id: name.slice(0, 16), seconds: 0, body: name }), 'new', 'guest'],
  [encodeFrame('ack', { seq: 0 }), 'new', 'guest'],
  [encodeFrame('open', { channel: 1, peer: name, purpose: 1 }), 'new', 'guest'],
  [encodeFrame('opened', { channel: 1 }), 'new', 'guest', 'ready'],
  [encodeFrame('data', { channel: 1, body: name }), 'new', 'guest', 'ready'],
  [encodeFrame('credit', { channel: 1, bytes: 1 }), 'new', 'guest', 'ready'],
  [encodeFrame('close', { channel: 1, code: 0 }), 'new', 'guest', 'ready'],
  [encodeFrame('meet', { channel: 1, join: false, name }), 'new', 'guest'],
  [encodeFrame('meet', { channel: 2, join: true, name }), 'guest'],
  [encodeFrame('say', { channel: 1, body: name }), 'new'],
  [encodeFrame('leave', { channel: 1, code: 0 }), 'new'],
  [encodeFrame('offer', { channel: 1, statements: [] }), 'new', 'guest'],
  [encodeFrame('fetch', { channel: 1, device: name }), 'new', 'guest'],
  [encodeFrame('allow', { channel: 1, device: true, id: name, verdict: 'allow' }), 'new', 'guest'],
];

describe('a frame in a state where it may not come', () => {
  it('ends the connection with 4400', async () => {
    const test = await startRelay({ limits: loose });
    for (const [frame, ...wrong] of misplaced) {
      for (const { state, peer } of await inEveryState(test)) {
        if (!wrong.includes(state)) {
          peer.close(1000);
          continue;
        }
        peer.raw(frame.slice());
        await peer.until('error');
        expect([frame[1], state, peer.closed && relayErrorOf(peer.closed)]).toEqual([
          frame[1],
          state,
          'relay.protocol',
        ]);
      }
    }
  });

  it('a text instead of a binary message does so in every state', async () => {
    const test = await startRelay({ limits: loose });
    for (const { state, peer } of await inEveryState(test)) {
      peer.raw(null);
      expect([state, peer.closed && relayErrorOf(peer.closed), peer.reason]).toEqual([state, 'relay.protocol', '']);
    }
  });

  it('so do unknown versions, types and reserved bytes, in every state', async () => {
    const test = await startRelay({ limits: loose });
    const ping = encodeFrame('ping', {});
    const spoilt = [0, 2, 255].map((version) => ping.with(0, version));
    spoilt.push(ping.with(2, 1), ping.with(3, 128), ping.with(1, 0), ping.with(1, 0x60), ping.with(1, 255));
    for (const frame of spoilt) {
      for (const { state, peer } of await inEveryState(test)) {
        peer.raw(frame.slice());
        expect([[...frame], state, peer.closed && relayErrorOf(peer.closed)]).toEqual([
          [...frame],
          state,
          'relay.protocol',
        ]);
      }
    }
  });
});
