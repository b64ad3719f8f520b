import { makeDevice } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { Buckets } from '../../src/rates.ts';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, keyBytes, membershipOf, ownerNamed, startRelay } from '../support.ts';
import { loose, nobody } from './attack.ts';

describe('an address', () => {
  it('is remembered among so many, and forgotten when it has all its attempts again', () => {
    const failures = new Buckets({ burst: 5, perMinute: 5 }, 1_000);
    for (let n = 0; n < 5_000; n++) failures.take(`address ${n}`, 0);
    expect(failures.size).toBe(1_000);
    failures.sweep(61_000);
    expect(failures.size).toBe(0);
  });
});

describe('whoever has proven nothing', () => {
  it('leaves no row in any table: no owner, no slot, no mail, no used ticket', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const test = await startRelay({ limits: loose });
    const before = await test.store.read('figures');
    for (let n = 0; n < 40; n++) {
      const { signer } = makeDevice('throwaway', `device-${n}`, 'member');
      const peer = new MemoryPeer(test.relay, `203.0.113.${n}`);
      await peer.hello(signer, n % 2 ? ada.id : bob.id, membershipOf(ada), test.clock.seconds());
      expect(codeOf(peer.closed!)).toBe('relay.bad_hello');
      expect(await test.store.read('ownerOfSlot', { device: keyBytes(signer) })).toBeNull();
      new MemoryPeer(test.relay, `203.0.113.${n}`).say('meet', { channel: 1, join: true, name: keyBytes(signer) });
    }
    expect(await test.store.read('figures')).toEqual(before);
    for (const { id } of [ada, bob])
      expect(await test.store.read('ownerStatements', { owner: id, most: 1 })).toBeNull();
    expect(test.relay.counts()).toMatchObject({ ...nobody, devices: 0 });
  });
});
