import { encodeFrame, relayErrorOf } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { startRelay } from '../support.ts';
import { inEveryState, loose } from './attack.ts';

/** One whole frame of each type that a device may send; none of them means anything here. */
const whole = {
  hello: encodeFrame('hello', { hello: 'a.b.c', ticket: '', resume: new Uint8Array(0), chain: ['a.b.c'] }),
  listen: encodeFrame('listen', { mail: true, streams: true }),
  ack: encodeFrame('ack', { seq: 1 }),
  open: encodeFrame('open', { channel: 1, peer: new Uint8Array(32), purpose: 1 }),
  credit: encodeFrame('credit', { channel: 1, bytes: 1 }),
  close: encodeFrame('close', { channel: 1, code: 0 }),
  meet: encodeFrame('meet', { channel: 1, join: true, name: new Uint8Array(32) }),
  fetch: encodeFrame('fetch', { channel: 1, device: new Uint8Array(32) }),
  allow: encodeFrame('allow', { channel: 1, device: true, id: new Uint8Array(32), verdict: 'allow' }),
};

describe('a frame that is cut short', () => {
  it('at any byte, in any state, ends its connection and nothing else', async () => {
    const test = await startRelay({ limits: loose });
    for (const [name, frame] of Object.entries(whole)) {
      // hello and news take what is there to the end: the statements are what is cut.
      for (let length = 0; length < frame.length; length += 7) {
        for (const { state, peer } of await inEveryState(test)) {
          peer.raw(frame.slice(0, length));
          await peer.until('error');
          const code = peer.closed === null ? 'open' : relayErrorOf(peer.closed);
          expect([name, length, state, ['relay.protocol', 'relay.bad_hello'].includes(code)]).toEqual([
            name,
            length,
            state,
            true,
          ]);
        }
      }
    }
    expect(test.relay.counts().strangers).toBe(0);
  });
});
