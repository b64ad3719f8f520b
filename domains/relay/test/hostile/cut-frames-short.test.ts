import { encodeFrame, type FrameName, relayErrorOf } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { helloOf, membershipOf, ownerNamed, startRelay, type TestRelay } from '../support.ts';
import { device, loose } from './attack.ts';

const key = new Uint8Array(32);
const nothing = new Uint8Array(0);
/**
 * One whole frame of each type that a device may send; none of them means anything here. A body of any length, with which
 * some end, is left out: cut there, they are shorter and whole.
 */
const whole: { readonly [N in FrameName]?: Uint8Array } = {
  hello: encodeFrame('hello', { hello: 'a.b.c', ticket: '', resume: nothing, chain: ['a.b.c'] }),
  news: encodeFrame('news', { channel: 1, statements: ['a.b.c'] }),
  ping: encodeFrame('ping', {}),
  pong: encodeFrame('pong', {}),
  listen: encodeFrame('listen', { mail: true, streams: true }),
  mail: encodeFrame('mail', { to: key, id: key.slice(16), seconds: 0, body: nothing }),
  ack: encodeFrame('ack', { seq: 1 }),
  open: encodeFrame('open', { channel: 1, peer: key, purpose: 1 }),
  opened: encodeFrame('opened', { channel: 1 }),
  data: encodeFrame('data', { channel: 1, body: nothing }),
  credit: encodeFrame('credit', { channel: 1, bytes: 1 }),
  close: encodeFrame('close', { channel: 1, code: 0 }),
  meet: encodeFrame('meet', { channel: 1, join: true, name: key }),
  say: encodeFrame('say', { channel: 1, body: nothing }),
  leave: encodeFrame('leave', { channel: 1, code: 0 }),
  offer: encodeFrame('offer', { channel: 1, statements: ['a.b.c'] }),
  fetch: encodeFrame('fetch', { channel: 1, device: key }),
  allow: encodeFrame('allow', { channel: 1, device: true, id: key, verdict: 'allow' }),
};

/** Cut just here, before a list of any length, these are whole, too. */
const wholeAt: { readonly [N in FrameName]?: number } = {
  hello: encodeFrame('hello', { hello: 'a.b.c', ticket: '', resume: nothing, chain: [] }).length,
  news: encodeFrame('news', { channel: 1, statements: [] }).length,
  offer: encodeFrame('offer', { channel: 1, statements: [] }).length,
};

type State = 'new' | 'ready' | 'guest';

/** What many at once need, of the same owner. */
const limits = {
  ...loose,
  requestsPerMinute: 1e9,
  connectionsPerDevice: 1e9,
  connectionsPerOwner: 1e9,
  strangersPerAddress: 2_000,
  meetings: 2_000,
  meetingsPerOwner: 2_000,
};

/** How to come to stand in each state. */
async function ways(test: TestRelay): Promise<Record<State, (n: number) => Promise<MemoryPeer>>> {
  const ada = await ownerNamed('ada');
  const host = await device(test, 'bob', '198.51.100.2');
  return {
    new: async () => new MemoryPeer(test.relay, '192.0.2.9'),
    ready: async () => {
      const peer = new MemoryPeer(test.relay, '198.51.100.1');
      await peer.until('challenge');
      const { challenge } = peer.has('challenge')[0]!;
      const hello = await helloOf(ada.box.signer, challenge, test.clock.seconds(), { owner: ada.id, mode: 'shared' });
      peer.say('hello', { hello, ticket: '', resume: nothing, chain: membershipOf(ada) });
      await peer.until('welcome');
      return peer;
    },
    guest: async (n) => {
      const name = key.slice().fill(n);
      host.say('meet', { channel: n, join: false, name });
      const peer = new MemoryPeer(test.relay, '192.0.2.3');
      peer.say('meet', { channel: 1, join: true, name });
      await peer.until('met');
      return peer;
    },
  };
}

describe('a frame that is cut short', () => {
  it.each(['new', 'ready', 'guest'] as const)(
    'at any byte, in state %s, ends its connection and nothing else',
    async (state) => {
      const test = await startRelay({ limits });
      const stand = (await ways(test))[state];
      const bystander = await device(test, 'cat', '198.51.100.9');
      let n = 0;
      for (const [name, frame] of Object.entries(whole)) {
        const lengths = [...frame.keys()].filter((length) => length !== wholeAt[name as FrameName]);
        const peers = await Promise.all(lengths.map(() => stand(++n)));
        expect(peers.filter(({ closed }) => closed !== null)).toEqual([]);
        for (const [at, length] of lengths.entries()) {
          const peer = peers[at]!;
          peer.raw(frame.slice(0, length));
          const code = peer.closed === null ? 'open' : relayErrorOf(peer.closed);
          expect([name, length, code]).toEqual([name, length, 'relay.protocol']);
        }
      }
      expect(bystander.closed).toBeNull();
      expect(test.relay.counts()).toMatchObject({ strangers: 0, streams: 0, meetings: 0, proving: 0 });
    },
  );
});
