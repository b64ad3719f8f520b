import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { relayNumberOf } from '@caponier/protocol';
import { enrolment, makeDevice, makeOwner, testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { openRelayStore, type RelayStore } from '../../src/index.ts';
import { MemoryPeer } from '../memory-peer.ts';
import { helloOf, later, membershipOf, ownerNamed, startRelay, temporaryFolder } from '../support.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** A store that has not registered anybody yet. */
async function slowStore() {
  const inner = await openRelayStore(join(await temporaryFolder(), 'slow.db'));
  later(() => inner.close());
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const store = {
    read: inner.read.bind(inner),
    close: () => inner.close(),
    run: async (...[name, args]: Parameters<RelayStore['run']>) => {
      if (name === 'registerDevice') {
        asked += 1;
        await gate.promise;
      }
      return inner.run(name, args as never);
    },
  } as unknown as RelayStore;
  return { store, open: () => gate.resolve(), asked: () => asked };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

describe('whoever leaves while its proof waits', () => {
  it('takes along what it has shown', async () => {
    const [ada, bob] = [await ownerNamed('ada'), await ownerNamed('bob')];
    const { store, open, asked } = await slowStore();
    const loose = { challengesPerMinute: 1_000, strangersPerAddress: 1_000 };
    const test = await startRelay({ store, limits: { proving: 1, ...loose } });
    const first = new MemoryPeer(test.relay, '192.0.2.1');
    const admitted = first.hello(ada.box.signer, ada.id, membershipOf(ada), test.clock.seconds());
    while (asked() === 0) await turn();

    gc();
    const before = process.memoryUsage().heapUsed;
    const piece = 'A'.repeat(16_000);
    const crowd = Array.from({ length: 40 }, (_, n) => new MemoryPeer(test.relay, `198.51.100.${n}`));
    for (const peer of crowd) {
      await peer.until('challenge');
      const hello = await helloOf(bob.box.signer, peer.has('challenge')[0]!.challenge, test.clock.seconds(), {
        owner: bob.id,
      });
      for (let n = 0; n < 4; n++) peer.say('news', { channel: 0, statements: Array.from({ length: 15 }, () => piece) });
      peer.say('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: [] });
    }
    gc();
    const held = process.memoryUsage().heapUsed - before;
    expect(held).toBeGreaterThan(30e6);
    for (const peer of crowd) peer.close(1000);
    for (let n = 0; n < 5; n++) await turn();
    gc();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(held / 4);
    open();
    await admitted;
    expect(first.has('welcome')).toHaveLength(1);
  });

  it('has failed all the same, where it is being judged', async () => {
    const long = await makeOwner('long');
    for (let n = 0; n < 30; n++) await long.chain.add('enroll', enrolment(makeDevice('long', `device-${n}`, 'member')));
    const test = await startRelay();
    const thief = testSigner('a thief');
    const attempts = Array.from({ length: 5 }, () => new MemoryPeer(test.relay, '192.0.2.1'));
    for (const peer of attempts) {
      await peer.until('challenge');
      const { challenge } = peer.has('challenge')[0]!;
      const hello = await helloOf(thief, challenge, test.clock.seconds(), { owner: long.id });
      peer.say('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: membershipOf(long) });
    }
    while (test.relay.counts().proving < 5) await new Promise((resolve) => setImmediate(resolve));
    // What comes now ends the connection; the proof, of thirty signatures, goes on.
    for (const peer of attempts) peer.say('ping', {});
    expect(attempts.every(({ closed }) => closed === relayNumberOf('relay.protocol'))).toBe(true);
    await expect.poll(() => test.relay.turnsAway('192.0.2.1')).toMatchObject({ status: 429 });
  });
});

describe('a device that is known', () => {
  it('takes one of so many places for its proof, too', async () => {
    const ada = await ownerNamed('ada');
    const { store, open, asked } = await slowStore();
    const test = await startRelay({ store, limits: { proving: 1 } });
    await test.relay.admission.prove({
      challenge: new Uint8Array(32),
      hello: await helloOf(ada.phone.signer, new Uint8Array(32), test.clock.seconds(), { owner: ada.id }),
      ticket: '',
      resume: new Uint8Array(0),
      chain: membershipOf(ada),
    });
    const peers = [ada.box, ada.laptop].map((device, n) => {
      const peer = new MemoryPeer(test.relay, `192.0.2.${n}`);
      return { peer, done: peer.hello(device.signer, ada.id, membershipOf(ada), test.clock.seconds()) };
    });
    while (asked() === 0) await turn();
    for (let n = 0; n < 50; n++) await turn();
    expect(asked()).toBe(1);
    expect(test.relay.counts().proving).toBe(0);
    open();
    await Promise.all(peers.map(({ done }) => done));
    expect(peers.every(({ peer }) => peer.has('welcome').length === 1)).toBe(true);
  });
});
