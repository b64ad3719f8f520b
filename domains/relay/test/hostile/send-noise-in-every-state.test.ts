import { encodeFrame, relayErrorOf, relayFrames, relayNumbered } from '@caponier/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { startRelay } from '../support.ts';
import { device, nobody } from './attack.ts';

describe('a broken message', () => {
  const broken: Record<string, Uint8Array | null> = {
    'a text message': null,
    empty: new Uint8Array(0),
    'half a header': new Uint8Array([1, 6, 0]),
    'an unknown type': new Uint8Array([1, 0x7f, 0, 0, 0, 0, 0, 0]),
    'an unknown version': new Uint8Array([2, 6, 0, 0, 0, 0, 0, 0]),
    'reserved bytes': new Uint8Array([1, 6, 1, 0, 0, 0, 0, 0]),
    'bytes left over': new Uint8Array([1, 6, 0, 0, 0, 0, 0, 0, 0]),
    'a field cut off': new Uint8Array([1, 0x14, 0, 0, 0, 0, 0, 0, 1]),
    'a frame of the relay': encodeFrame('pong', {}).with(1, relayFrames.deliver.code),
    'a stream that never was': encodeFrame('data', { channel: 77, body: new Uint8Array(3) }),
    'a stream the relay never named': encodeFrame('close', { channel: relayNumbered + 3, code: 0 }),
    'a request without a number': encodeFrame('news', { statements: [] }),
  };

  it('ends the connection with a documented code, in every state, and leaves nothing behind', async () => {
    const test = await startRelay({ limits: { challengesPerMinute: 1_000, failuresPerMinute: 1_000 } });
    for (const [what, message] of Object.entries(broken)) {
      const states: [string, MemoryPeer][] = [['ready', await device(test)]];
      if (what !== 'a request without a number') states.push(['new', new MemoryPeer(test.relay)]);
      const adder = await device(test, 'bob', '198.51.100.2');
      adder.say('meet', { channel: 1, join: false, name: new Uint8Array(32) });
      const guest = new MemoryPeer(test.relay);
      guest.say('meet', { channel: 1, join: true, name: new Uint8Array(32) });
      states.push(['guest', guest]);
      for (const [state, peer] of states) {
        peer.raw(message?.slice() ?? null);
        await peer.until('error');
        expect([what, state, peer.closed && relayErrorOf(peer.closed)]).toEqual([what, state, 'relay.protocol']);
      }
      adder.close(1000);
      for (const peer of states) peer[1].close(1000);
      expect(test.relay.counts()).toMatchObject(nobody);
    }
  });

  it('of whatever bytes never takes the relay down, nor is it answered with anything but frames and codes', async () => {
    const test = await startRelay({
      limits: {
        challengesPerMinute: 1e9,
        failuresPerMinute: 1e9,
        requestsPerMinute: 1e9,
        mailBurst: 1e6,
        hellosPerMinute: 1e9,
        replacements: 1e9,
      },
    });
    const codes = Object.values(relayFrames).map(({ code }) => code);
    const near = fc
      .tuple(fc.constantFrom(...codes), fc.nat(3), fc.uint8Array({ maxLength: 120 }))
      .map(([code, channel, rest]) => new Uint8Array([1, code, 0, 0, 0, 0, 0, channel, ...rest]));
    const message = fc.oneof(
      { weight: 4, arbitrary: near },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
    );
    let ready = await device(test);
    let stranger = new MemoryPeer(test.relay);
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 4 }), async (messages) => {
        if (ready.closed !== null) ready = await device(test);
        if (stranger.closed !== null) stranger = new MemoryPeer(test.relay);
        for (const bytes of messages) {
          ready.raw(bytes.slice());
          stranger.raw(bytes.slice());
        }
        await new Promise((resolve) => setImmediate(resolve));
        for (const { closed } of [ready, stranger]) {
          if (closed !== null && closed !== 1008) expect(relayErrorOf(closed)).not.toBe('relay.disconnected');
        }
      }),
      { numRuns: 400 },
    );
    // It still works for everybody else.
    const other = await device(test, 'bob', '198.51.100.9');
    other.say('ping', {});
    await other.until('pong');
    expect(other.closed).toBeNull();
  });
});
