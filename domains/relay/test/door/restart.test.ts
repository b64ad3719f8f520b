import { makeDevice, manualClock } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import {
  codeOf,
  connect,
  keyBytes,
  knock,
  messageId,
  ownerNamed,
  startRelay,
  type TestRelay,
  temporaryFolder,
} from '../support.ts';

/** As if killed: nothing is told to close, nothing is handed over. */
const kill = (test: TestRelay) => test.store.close();
const tick = (test: TestRelay, seconds: number) => {
  for (let n = 0; n < seconds; n++) test.tick();
};

describe('after a restart', () => {
  it('an address that failed too often is still not listened to, though the relay was killed at once', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    const clock = manualClock();
    const first = await startRelay({ folder, clock });
    for (let n = 0; n < 5; n++) await (await knock(first, ada, makeDevice('m', 'm', 'member').signer)).gone();
    await kill(first);
    const second = await startRelay({ folder, clock });
    await expect.poll(() => second.relay.isReady()).toBe(true);
    expect(second.relay.turnsAway('192.0.2.1')).toEqual({ status: 429, retryAfter: 12 });
    expect(new MemoryPeer(second.relay).closed).toBe(1008);
    expect(second.relay.turnsAway('192.0.2.2')).toBeNull();
    clock.advance(13);
    expect(second.relay.turnsAway('192.0.2.1')).toBeNull();
  });

  it('rates go on from where they were: challenges, new owners, mail; five seconds before a kill are lost at most', async () => {
    const [ada, bob] = await Promise.all(['ada', 'bob'].map(ownerNamed));
    const folder = await temporaryFolder();
    const clock = manualClock();
    const limits = { mailBurst: 4, mailPerMinute: 1, newOwnersPerHour: 1 };
    const first = await startRelay({ folder, clock, limits });
    const { peer } = await connect(first, ada!, ada!.box.signer);
    const send = async (n: number) => {
      peer.send('mail', { to: keyBytes(ada!.laptop.signer), id: messageId(n), seconds: 0, body: new Uint8Array(1) });
      return peer.answer();
    };
    for (let n = 0; n < 3; n++) expect(await send(n)).toBe('accepted');
    for (let n = 0; n < 8; n++) new MemoryPeer(first.relay, '192.0.2.7');
    tick(first, 5);
    // One more after the last write: this is what a kill gives back.
    expect(await send(3)).toBe('accepted');
    expect(await send(4)).toBe('relay.rate_limited');
    await kill(first);

    const second = await startRelay({ folder, clock, limits });
    await expect.poll(() => second.relay.isReady()).toBe(true);
    const challenged = Array.from({ length: 4 }, () => new MemoryPeer(second.relay, '192.0.2.7').closed);
    expect(challenged.map((closed) => closed && codeOf(closed))).toEqual([
      null,
      null,
      'relay.rate_limited',
      'relay.rate_limited',
    ]);
    expect(codeOf(await (await knock(second, bob!, bob!.box.signer)).gone())).toBe('relay.rate_limited');
    const { peer: again } = await connect(second, ada!, ada!.box.signer);
    again.send('mail', { to: keyBytes(ada!.laptop.signer), id: messageId(9), seconds: 0, body: new Uint8Array(1) });
    expect(await again.answer()).toBe('accepted');
    again.send('mail', { to: keyBytes(ada!.laptop.signer), id: messageId(10), seconds: 0, body: new Uint8Array(1) });
    expect(await again.answer()).toBe('relay.rate_limited');
  });

  it('that was orderly nothing is lost, and what is full again is not kept', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    const clock = manualClock();
    const first = await startRelay({ folder, clock });
    for (let n = 0; n < 10; n++) new MemoryPeer(first.relay, '192.0.2.7');
    await connect(first, ada, ada.box.signer);
    await first.close();
    const second = await startRelay({ folder, clock });
    await expect.poll(() => second.relay.isReady()).toBe(true);
    expect(second.relay.turnsAway('192.0.2.7')).toEqual({ status: 429, retryAfter: 6 });
    const kept = () => second.store.run('keptRates', { kind: 'challenges', since: 0, most: 10 });
    expect(await kept()).toHaveLength(2);
    clock.advance(61);
    tick(second, 5);
    await expect.poll(kept).toEqual([]);
  });
});
