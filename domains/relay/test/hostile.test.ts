import {
  encodeFrame,
  type FrameName,
  relayErrorOf,
  relayFrames,
  relayNumbered,
  limits as wire,
} from '@caponier/protocol';
import { makeDevice, makeOwner } from '@caponier/testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Buckets } from '../src/rates.ts';
import { MemoryPeer } from './memory-peer.ts';
import {
  codeOf,
  connect,
  keyBytes,
  knock,
  membershipOf,
  messageId,
  ownerNamed,
  Peer,
  startRelay,
  type TestRelay,
} from './support.ts';

const nobody = { connections: 0, strangers: 0, meetings: 0 };
const idle = { hello: 'a.b.c', ticket: '', resume: new Uint8Array(0), chain: [] };

/** A device that is ready, in memory. */
async function device(test: TestRelay, seed = 'ada', address = '198.51.100.1'): Promise<MemoryPeer> {
  const owner = await ownerNamed(seed);
  const peer = new MemoryPeer(test.relay, address);
  await peer.hello(owner.box.signer, owner.id, membershipOf(owner), test.clock.seconds());
  expect(peer.has('welcome')).toHaveLength(1);
  return peer;
}

describe('an address', () => {
  it('takes ten challenges a minute; one answered well is given back; others are not touched', async () => {
    const test = await startRelay();
    const peers = Array.from({ length: 10 }, () => new MemoryPeer(test.relay));
    await peers[9]!.until('challenge');
    expect(peers.every((peer) => peer.has('challenge').length === 1)).toBe(true);
    const eleventh = new MemoryPeer(test.relay);
    await Promise.resolve();
    expect([codeOf(eleventh.closed!), eleventh.bytes]).toEqual(['relay.rate_limited', 0]);
    expect(new MemoryPeer(test.relay, '192.0.2.2').closed).toBeNull();
    for (const peer of peers) peer.close(1000);
    test.clock.advance(60);
    for (let n = 0; n < 30; n++) (await device(test, 'ada', '192.0.2.1')).close(1000);
  });

  it('that fails five proofs in a minute is closed with 1008, and not even challenged for a while', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const codes: number[] = [];
    for (let n = 0; n < 5; n++)
      codes.push(await (await knock(test, ada, makeDevice('m', 'm', 'member').signer)).gone());
    expect(codes.slice(0, 4).map((code) => relayErrorOf(code))).toEqual(Array(4).fill('relay.bad_hello'));
    expect(codes[4]).toBe(1008);
    const again = new Peer(test.url);
    expect(await again.gone()).toBe(1008);
    expect(again.all('challenge')).toEqual([]);
    test.address = '192.0.2.2';
    await connect(test, ada, ada.box.signer);
    test.address = '192.0.2.1';
    test.clock.advance(15);
    await connect(test, ada, ada.laptop.signer);
  });

  it('guessing meetings counts as failing', async () => {
    const test = await startRelay();
    const codes: (number | null)[] = [];
    for (let n = 0; n < 6; n++) {
      const peer = new MemoryPeer(test.relay);
      if (peer.closed === null) peer.say('meet', { channel: 1, join: true, name: new Uint8Array(32).fill(n) });
      codes.push(peer.closed);
    }
    expect(codes).toEqual([4418, 4418, 4418, 4418, 1008, 1008]);
  });

  it('holds few connections that prove nothing; all together hold a part of them', async () => {
    const test = await startRelay({
      limits: { strangersPerAddress: 3, strangers: 5, connections: 7, challengesPerMinute: 100 },
    });
    const at = (address: string) => new MemoryPeer(test.relay, address);
    const first = [at('a'), at('a'), at('a')];
    expect(codeOf(at('a').closed!)).toBe('relay.rate_limited');
    const others = [at('b'), at('c')];
    // The sixth takes the place of the oldest where most come from: strangers keep nobody from knocking.
    expect(at('d').closed).toBeNull();
    expect(codeOf(first[0]!.closed!)).toBe('relay.unavailable');
    // Devices have room that strangers cannot take.
    const ready = await device(test);
    expect(test.relay.counts()).toMatchObject({ connections: 5, strangers: 4 });
    expect(others.every(({ closed }) => closed === null)).toBe(true);
    const shared: MemoryPeer[] = [at('e')];
    expect(shared[0]!.closed).toBeNull();
    expect(ready.closed).toBeNull();
  });

  it('is remembered among so many, and forgotten when it has all its attempts again', () => {
    const failures = new Buckets({ burst: 5, perMinute: 5 }, 1_000);
    for (let n = 0; n < 5_000; n++) failures.take(`address ${n}`, 0);
    expect(failures.size).toBe(1_000);
    failures.sweep(61_000);
    expect(failures.size).toBe(0);
  });
});

describe('a stranger', () => {
  it('that says nothing is closed after ten seconds, and costs a greeting of 72 bytes', async () => {
    const test = await startRelay();
    const peer = new MemoryPeer(test.relay);
    await peer.until('challenge');
    test.clock.advance(9);
    test.tick();
    expect(peer.closed).toBeNull();
    test.clock.advance(2);
    test.tick();
    expect([codeOf(peer.closed!), peer.bytes]).toEqual(['relay.timeout', 72]);
    expect(test.relay.counts()).toMatchObject(nobody);
  });

  it('that does not answer a close is cut', async () => {
    const test = await startRelay();
    const peer = new MemoryPeer(test.relay);
    let terminated = false;
    peer.close = () => {};
    peer.terminate = () => {
      terminated = true;
      peer.link.ended();
    };
    peer.raw(null);
    test.tick();
    expect([terminated, test.relay.counts().connections]).toEqual([false, 1]);
    test.clock.advance(6);
    test.tick();
    expect([terminated, test.relay.counts()]).toMatchObject([true, nobody]);
  });

  it('cannot pour statements in', async () => {
    const [jws] = membershipOf(await ownerNamed('ada'));
    const test = await startRelay();
    const many = new MemoryPeer(test.relay);
    for (let n = 0; n < 3; n++) many.say('news', { statements: Array(200).fill('a.b.c') });
    expect(codeOf(many.closed!)).toBe('relay.too_large');
    const large = new MemoryPeer(test.relay);
    const statements = Array<string>(Math.floor(250_000 / jws!.length)).fill(jws!);
    for (let n = 0; n < 5; n++) large.say('news', { statements });
    expect(codeOf(large.closed!)).toBe('relay.too_large');
    expect(test.relay.counts()).toMatchObject(nobody);
  });

  it('may not answer twice, nor speak before it is answered', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const twice = await knock(test, ada, ada.box.signer);
    twice.send('hello', idle);
    expect(codeOf(await twice.gone())).toBe('relay.protocol');
    const early = await knock(test, ada, ada.box.signer);
    early.send('listen', { mail: true, streams: true });
    expect(codeOf(await early.gone())).toBe('relay.protocol');
    await expect.poll(() => test.relay.counts()).toMatchObject(nobody);
  });

  it('with throwaway keys fills neither owners nor devices beyond their number', async () => {
    const owners = await Promise.all(['ada', 'bob', 'cat'].map((seed) => ownerNamed(seed)));
    const test = await startRelay({ limits: { owners: 2, devicesPerOwner: 2 } });
    await connect(test, owners[0]!, owners[0]!.box.signer);
    await connect(test, owners[1]!, owners[1]!.box.signer);
    expect(codeOf(await (await knock(test, owners[2]!, owners[2]!.box.signer)).gone())).toBe('relay.too_many');
    const { peer } = await connect(test, owners[0]!, owners[0]!.laptop.signer);
    expect(codeOf(await (await knock(test, owners[0]!, owners[0]!.phone.signer)).gone())).toBe('relay.too_many');
    peer.send('mail', { to: keyBytes(owners[0]!.phone.signer), id: messageId(1), seconds: 0, body: new Uint8Array(1) });
    expect(await peer.answer()).toBe('relay.too_many');
  });
});

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

  it('above 256 KiB, or in more pieces than a frame needs, is ended by the WebSocket itself', async () => {
    const test = await startRelay();
    const large = new Peer(test.url);
    await large.next('challenge');
    large.raw(new Uint8Array(wire.maxFrameBytes + 1));
    expect(await large.gone()).toBe(1009);
    const pieces = new Peer(test.url);
    await pieces.next('challenge');
    for (let n = 0; n < 80; n++) pieces.ws.send(new Uint8Array(10), { fin: false, binary: true });
    expect(await pieces.gone()).toBe(1008);
    await expect.poll(() => test.relay.counts()).toMatchObject(nobody);
  });
});

describe('a device that floods', () => {
  it('and does not read is cut, whatever it asks for', async () => {
    const test = await startRelay();
    const peer = await device(test);
    peer.bufferedAmount = 30 * 1024 * 1024;
    peer.say('ping', {});
    await Promise.resolve();
    await Promise.resolve();
    expect(peer.closed).toBe(1006);
    expect(test.logged.at(-1)).toMatchObject({ event: 'relay.cut', fields: { code: 'relay.too_slow' } });
    expect(test.relay.counts()).toMatchObject(nobody);
  });

  it('with requests is told so', async () => {
    const test = await startRelay({ limits: { requestsPerMinute: 10 } });
    const peer = await device(test);
    for (let n = 1; n <= 12; n++) peer.say('fetch', { channel: n, device: new Uint8Array(32) });
    await expect.poll(() => peer.has('prekeys').length).toBe(10);
    expect(peer.has('error').map((frame) => [frame.channel, codeOf(frame)])).toEqual([
      [11, 'relay.rate_limited'],
      [12, 'relay.rate_limited'],
    ]);
  });

  it('with pings of the WebSocket gets no more pongs than it reads', async () => {
    const test = await startRelay();
    const peer = new Peer(test.url);
    await peer.next('challenge');
    let pongs = 0;
    peer.ws.on('pong', () => {
      pongs += 1;
    });
    peer.ws.ping('x');
    await expect.poll(() => pongs).toBe(1);
  });
});

describe('a connection', () => {
  it('that is silent is asked after 30 seconds and given up after 75', async () => {
    const test = await startRelay();
    const peer = await device(test);
    test.clock.advance(31);
    test.tick();
    await peer.until('ping');
    test.tick();
    expect(peer.has('ping')).toHaveLength(1);
    peer.say('pong', {});
    test.clock.advance(74);
    test.tick();
    expect(peer.closed).toBeNull();
    test.clock.advance(2);
    test.tick();
    expect(peer.closed).toBe(1006);
    expect(test.relay.counts()).toMatchObject(nobody);
  });

  it('is told when storage fails, and nothing is lost that was acknowledged', async () => {
    const test = await startRelay();
    const peer = await device(test);
    const to = keyBytes((await ownerNamed('ada')).laptop.signer);
    await test.store.close();
    peer.say('mail', { to, id: messageId(1), seconds: 0, body: new Uint8Array(1) });
    await peer.until('refused');
    expect(codeOf(peer.has('refused')[0]!)).toBe('relay.unavailable');
    peer.say('allow', { channel: 4, device: true, id: to, verdict: 'allow' });
    await peer.until('error');
    expect(codeOf(peer.has('error')[0]!)).toBe('relay.unavailable');
    expect(peer.closed).toBeNull();
    const late = new MemoryPeer(test.relay, '192.0.2.7');
    const eve = await makeOwner('eve');
    await late.hello(eve.box.signer, eve.id, membershipOf(eve), test.clock.seconds());
    expect(codeOf(late.closed!)).toBe('relay.unavailable');
  });

  it('is told to go when the relay closes', async () => {
    const test = await startRelay();
    const peer = await device(test);
    const answer = await test.relay.app.request('/healthz');
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
    test.relay.close();
    expect(peer.closed).toBe(1001);
    expect((await test.relay.app.request('/healthz')).status).toBe(503);
    const missing = await test.relay.app.request('/owners');
    expect([missing.status, await missing.json()]).toMatchObject([404, { code: 'host.not_found' }]);
    expect(new MemoryPeer(test.relay, '192.0.2.8').closed).toBe(1001);
  });
});

describe('logs', () => {
  it('carry no key material, no bodies and no statements', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    await connect(test, ada, ada.box.signer);
    await (await knock(test, ada, makeDevice('m', 'm', 'member').signer)).gone();
    const fields = new Set(test.logged.flatMap(({ fields }) => Object.keys(fields)));
    expect([...fields].sort()).toEqual(['address', 'code', 'device', 'owner']);
    for (const { fields } of test.logged) {
      for (const value of Object.values(fields)) expect((value as string).length).toBeLessThan(64);
    }
    const names: FrameName[] = ['hello', 'mail'];
    expect(JSON.stringify(test.logged)).not.toContain(names[1]);
  });
});
