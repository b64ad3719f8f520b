import { testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { relayLimits } from '../../src/index.ts';
import { Intake } from '../../src/mail/intake.ts';
import { countingMeter } from '../mail/counting.ts';
import { MemoryPeer } from '../memory-peer.ts';
import {
  codeOf,
  connect,
  keyBytes,
  knock,
  listen,
  membershipOf,
  messageId,
  ownerNamed,
  startRelay,
  ticketOf,
} from '../support.ts';

describe('a clock that is set back', () => {
  it('gives nobody attempts, and brings no used ticket back', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const operator = testSigner('operator');
    const test = await startRelay({
      admission: { kind: 'ticket', operators: [operator.did] },
      limits: { challengesPerMinute: 3, failuresPerMinute: 2 },
    });
    const ticket = await ticketOf(operator, test.clock.seconds());
    await connect(test, ada, ada.box.signer, { ticket });
    for (let n = 0; n < 2; n++) await (await knock(test, bob, bob.box.signer, { ticket })).gone();
    expect(test.relay.turnsAway(test.address)?.status).toBe(429);
    test.clock.advance(-3_600);
    expect(test.relay.turnsAway(test.address)?.status).toBe(429);
    test.address = '192.0.2.2';
    test.clock.advance(3_600);
    expect(codeOf(await (await knock(test, bob, bob.box.signer, { ticket })).gone())).toBe('relay.not_admitted');
  });

  it('lets no meeting and no opening of a stream stay: old ones begin anew, and hold no newer one up', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { meetingSeconds: 30, openMs: 30_000 } });
    await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    const ask = async (channel: number) => {
      peer.send('meet', { channel, join: false, name: new Uint8Array(32).fill(channel) });
      await peer.next('met');
      peer.send('open', { channel, peer: keyBytes(ada.box.signer), purpose: 1 });
      await peer.settle();
    };
    await ask(1);
    test.clock.advance(-3_600);
    await ask(2);
    test.tick();
    test.clock.advance(29);
    test.tick();
    await peer.settle();
    expect([peer.all('leave'), peer.all('close')]).toEqual([[], []]);
    test.clock.advance(1);
    test.tick();
    await peer.settle();
    expect(peer.all('leave').map(({ channel }) => channel)).toEqual([1, 2]);
    expect(peer.all('close').map(({ channel }) => channel)).toEqual([1, 2]);
  });

  it('gives strangers, and devices that say nothing, the usual time from then on', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const stranger = new MemoryPeer(test.relay, '192.0.2.7');
    const device = new MemoryPeer(test.relay, '192.0.2.8');
    await device.hello(ada.box.signer, ada.id, membershipOf(ada), test.clock.seconds());
    test.clock.advance(-3_600);
    test.tick();
    test.clock.advance(10);
    test.tick();
    expect(stranger.closed && codeOf(stranger.closed)).toBe('relay.timeout');
    expect(device.closed).toBeNull();
    test.clock.advance(65);
    test.tick();
    expect(device.closed).toBe(1006);
  });

  it('stops neither what tidies up, nor what is told, nor who asks for readiness', async () => {
    const ada = await ownerNamed('ada');
    const meter = countingMeter();
    const test = await startRelay({ meter, limits: { challengesPerMinute: 1 } });
    test.tick();
    const { peer } = await connect(test, ada, ada.laptop.signer);
    await expect.poll(() => test.relay.isReady()).toBe(true);
    const knocks = () => Array.from({ length: 3 }, () => new MemoryPeer(test.relay, '192.0.2.7').close(1000));
    const told = () => test.logged.filter(({ event }) => event === 'relay.refused').map(({ fields }) => fields.count);
    knocks();
    expect(told()).toEqual([undefined]);
    test.clock.advance(-3_600);
    test.tick();
    const mail = { to: keyBytes(ada.box.signer), id: messageId(1), seconds: 10, body: new Uint8Array(1) };
    peer.send('mail', mail);
    await peer.next('accepted');
    test.clock.advance(61);
    test.tick();
    expect(told()).toEqual([undefined, 2]);
    await expect.poll(() => meter.counts.get('mail expired')).toBe(1);
    expect(await test.relay.isReady()).toBe(true);
    await test.store.close();
    test.clock.advance(-3_600);
    expect(await test.relay.isReady()).toBe(false);
  });

  it('keeps mail out no longer than storage that is full does', async () => {
    const test = await startRelay();
    const { store, clock } = test;
    const intake = new Intake({ store, clock, limits: relayLimits, meter: countingMeter() });
    intake.fill(1);
    expect(intake.wait(clock())).toBe(10_000);
    clock.advance(-3_600);
    expect(intake.wait(clock())).toBe(10_000);
    clock.advance(10);
    expect(intake.wait(clock())).toBe(0);
  });
});
