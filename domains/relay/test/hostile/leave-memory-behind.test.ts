import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { fromBase64url } from '@caponier/crypto';
import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, keyBytes, membershipOf, ownerNamed, startRelay } from '../support.ts';
import { device, guest, idle, loose, nobody } from './attack.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use when all that can go has gone. */
async function inUse(): Promise<number> {
  for (let n = 0; n < 3; n++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return process.memoryUsage().heapUsed;
}

describe('bad input, a thousand times', () => {
  it('leaves the memory where it was', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: loose });
    const round = async (n: number) => {
      const address = `203.0.113.${n % 250}`;
      const bad = (spoil: (peer: MemoryPeer) => void) => spoil(new MemoryPeer(test.relay, address));
      bad((peer) => peer.raw(null));
      bad((peer) => peer.raw(new Uint8Array(3)));
      bad((peer) => peer.say('news', { statements: membershipOf(ada) }));
      bad((peer) => peer.say('hello', idle));
      bad((peer) => peer.say('meet', { channel: 1, join: true, name: new Uint8Array(32).fill(n) }));
      bad((peer) => peer.close(1000));
      if (n % 50 === 0) {
        const ready = await device(test);
        ready.say('data', { channel: 3, body: new Uint8Array(60_000) });
        const { guest: joined, host } = await guest(test);
        joined.say('say', { channel: 1, body: new Uint8Array(60_000) });
        joined.raw(null);
        host.close(1000);
      }
      test.clock.advance(1);
      test.tick();
    };
    const settle = async () => {
      test.clock.advance(3_700);
      for (let n = 0; n < 12; n++) {
        test.clock.advance(10);
        test.tick();
      }
      await expect.poll(() => test.relay.counts()).toMatchObject(nobody);
      test.logged.length = 0;
    };
    for (let n = 0; n < 200; n++) await round(n);
    await settle();
    const before = await inUse();
    for (let n = 0; n < 1_000; n++) await round(n);
    await settle();
    expect((await inUse()) - before).toBeLessThan(3 * 1024 * 1024);
  });
});

describe('a connection that ends by bad input', () => {
  it('ends all that it had a part in: streams taken and not yet taken, a meeting, its place, and the other side is told', async () => {
    const bob = await ownerNamed('bob');
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { ...loose, requestsPerMinute: 1e9 } });
    const steady = await device(test, 'bob');
    steady.say('listen', { mail: true, streams: true });
    steady.say('allow', { channel: 1, device: false, id: fromBase64url(ada.id), verdict: 'allow' });
    await steady.until('done');
    // More than a device may have at once: what one left behind would keep the next ones out.
    const times = 35;
    for (let n = 0; n < times; n++) {
      const peer = await device(test, 'ada', '198.51.100.3');
      steady.frames.length = 0;
      peer.say('listen', { mail: true, streams: true });
      peer.say('meet', { channel: 1, join: false, name: new Uint8Array(32).fill(n) });
      for (const channel of [1, 2]) peer.say('open', { channel, peer: keyBytes(bob.box.signer), purpose: 1 });
      await expect.poll(() => steady.has('open').length, { interval: 1 }).toBe(2);
      steady.say('opened', { channel: steady.has('open')[0]!.channel });
      await peer.until('opened');
      peer.say('data', { channel: 1, body: new Uint8Array(1_000) });
      expect(test.relay.counts()).toMatchObject({ streams: 2, meetings: 1, devices: 2, connections: 2 });
      peer.raw(new Uint8Array(3));
      await steady.until('close');
      expect(steady.has('close').map(codeOf)).toEqual(['relay.not_reachable', 'relay.not_reachable']);
      expect(test.relay.counts()).toMatchObject({ streams: 0, meetings: 0, devices: 1, connections: 1, strangers: 0 });
    }
    expect(steady.closed).toBeNull();
  });
});
