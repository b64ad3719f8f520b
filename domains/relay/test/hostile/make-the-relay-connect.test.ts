import { createHook } from 'node:async_hooks';
import { lookup } from 'node:dns';
import { connect } from 'node:net';
import { utf8 } from '@caponier/crypto';
import { sign } from '@caponier/protocol';
import { makeOwner, testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { later, membershipOf, ownerNamed, startRelay, type TestRelay } from '../support.ts';
import { guest, idle, loose } from './attack.ts';

/** What Node makes to look a name up, connect, send a datagram or start a program, whoever asks for it and however. */
const outward = new Set([
  'GETADDRINFOREQWRAP',
  'GETNAMEINFOREQWRAP',
  'QUERYWRAP',
  'TCPCONNECTWRAP',
  'PIPECONNECTWRAP',
  'UDPWRAP',
  'UDPSENDWRAP',
  'PROCESSWRAP',
]);

/** The ways out that are taken from now on. */
function watchOutward(): string[] {
  const taken: string[] = [];
  const hook = createHook({
    init: (_id, type) => {
      if (outward.has(type)) taken.push(type);
    },
  }).enable();
  later(() => hook.disable());
  return taken;
}

const host = 'metadata.internal';
const url = `https://${host}:9/`;
/** The address in a field of so many bytes. */
const inBytes = (length: number) => Uint8Array.from(utf8(url.padEnd(length, 'x').slice(0, length)));
const key = inBytes(32);

/** Every statement in which somebody may write a text of their own, good ones and such as nobody made. */
async function statements(test: TestRelay) {
  const liar = testSigner('a liar');
  const nonce = 'AAAAAAAAAAAAAAAAAAAAAA';
  const service = await sign(liar, 'service', {
    aud: 'any',
    services: [{ role: 'relay', class: null, key: liar.did, url, pin: null, custody: 'other-operator' }],
    iat: test.clock.seconds(),
    nonce,
  });
  // A chain that stands well, and names addresses as its log, its witness and the places of a passkey.
  const { broker, gate, workers, relay, registry, witness } = await ownerNamed('ada');
  const services = { broker, gate, workers, relay, registry, witness, logOrigin: url, witnessName: host };
  const owner = await makeOwner('of addresses', { services });
  return { service, owner, all: [service, host, ...owner.chain.signed.map(({ statement }) => statement.jws)] };
}

describe('an address in what is shown', () => {
  it('is never connected to, nor looked up', async () => {
    const test = await startRelay({ limits: loose });
    const { service, owner, all } = await statements(test);
    const taken = watchOutward();

    for (const [n, shown] of all.entries()) {
      const stranger = new MemoryPeer(test.relay, `192.0.2.${n}`);
      stranger.say('news', { channel: 0, statements: [shown] });
      stranger.say('hello', { ...idle, hello: shown, ticket: shown, resume: inBytes(100), chain: [shown] });
      await stranger.until('welcome');
      expect(stranger.closed).not.toBeNull();
    }
    const lost = new MemoryPeer(test.relay, '192.0.2.99');
    lost.say('meet', { channel: 1, join: true, name: key });
    expect(lost.closed).not.toBeNull();

    const ready = new MemoryPeer(test.relay, '192.0.2.100');
    await ready.hello(owner.box.signer, owner.id, membershipOf(owner), test.clock.seconds());
    expect([ready.closed, ready.has('welcome').length]).toEqual([null, 1]);
    ready.say('listen', { mail: true, streams: true });
    ready.say('mail', { to: key, id: inBytes(16), seconds: 0, body: inBytes(100) });
    ready.say('open', { channel: 1, peer: key, purpose: 1 });
    ready.say('news', { channel: 1, statements: [service, host] });
    ready.say('offer', { channel: 2, statements: [service] });
    ready.say('fetch', { channel: 3, device: key });
    ready.say('allow', { channel: 4, device: false, id: key, verdict: 'allow' });
    ready.say('allow', { channel: 5, device: true, id: key, verdict: 'block' });
    ready.say('meet', { channel: 6, join: false, name: key });
    const answers = () =>
      (['error', 'refused', 'close', 'prekeys', 'done', 'met'] as const).map((name) => ready.has(name).length);
    await expect.poll(() => [ready.closed, ...answers()]).toEqual([null, 2, 1, 1, 1, 2, 1]);

    const { guest: joined, host: opener } = await guest(test, inBytes(32).reverse());
    joined.say('say', { channel: 1, body: inBytes(100) });
    opener.say('say', { channel: 1, body: inBytes(100) });
    await joined.until('say');
    expect([joined.has('say').length, opener.has('say').length]).toEqual([1, 1]);
    for (let n = 0; n < 60; n++) test.tick();
    await test.store.run('figures');
    expect(taken).toEqual([]);
  });

  it('would be noticed if it were', async () => {
    const test = await startRelay();
    const taken = watchOutward();
    await new Promise((resolve) => lookup('localhost', resolve));
    expect(taken).toEqual(['GETADDRINFOREQWRAP']);
    const socket = connect(Number(new URL(test.url).port), '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.destroy();
    expect(taken).toContain('TCPCONNECTWRAP');
  });
});
