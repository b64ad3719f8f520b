import { expect } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { membershipOf, ownerNamed, type TestRelay } from '../support.ts';

/** What the hostile clients have in common: ways to stand in each state, and what must be left when they are gone. */

/** Counts of a relay that nobody is connected to. */
export const nobody = { connections: 0, strangers: 0, meetings: 0, streams: 0, proving: 0, bufferedBytes: 0 };

/** A `hello` that is none. */
export const idle = { hello: 'a.b.c', ticket: '', resume: new Uint8Array(0), chain: [] };

/** A device that is ready, in memory: the box of an owner. */
export async function device(test: TestRelay, seed = 'ada', address = '198.51.100.1'): Promise<MemoryPeer> {
  const owner = await ownerNamed(seed);
  const peer = new MemoryPeer(test.relay, address);
  await peer.hello(owner.box.signer, owner.id, membershipOf(owner), test.clock.seconds());
  expect(peer.has('welcome')).toHaveLength(1);
  return peer;
}

/** A stranger in a meeting, and the device that opened it. */
export async function guest(
  test: TestRelay,
  name = new Uint8Array(32),
): Promise<{ host: MemoryPeer; guest: MemoryPeer }> {
  const host = await device(test, 'bob', '198.51.100.2');
  host.say('meet', { channel: 1, join: false, name });
  const joined = new MemoryPeer(test.relay, '192.0.2.3');
  joined.say('meet', { channel: 1, join: true, name });
  await joined.until('met');
  return { host, guest: joined };
}

/** Limits that are not what is tried: so that what is tried is. */
export const loose = { challengesPerMinute: 1e9, failuresPerMinute: 1e9, hellosPerMinute: 1e9, replacements: 1e9 };

/** One connection in each state but `closed`. */
export async function inEveryState(test: TestRelay): Promise<{ state: 'new' | 'ready' | 'guest'; peer: MemoryPeer }[]> {
  const { guest: joined } = await guest(test);
  return [
    { state: 'new', peer: new MemoryPeer(test.relay, '192.0.2.9') },
    { state: 'ready', peer: await device(test) },
    { state: 'guest', peer: joined },
  ];
}
