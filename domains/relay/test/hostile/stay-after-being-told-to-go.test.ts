import { describe, expect, it } from 'vitest';
import { Connection } from '../../src/connection.ts';
import { Strangers } from '../../src/door/strangers.ts';
import { MemoryPeer } from '../memory-peer.ts';
import { codeOf, startRelay } from '../support.ts';
import { device, guest, loose } from './attack.ts';

/** A peer that does not answer a close: its socket ends when it is cut. */
class Lingering extends MemoryPeer {
  override close(code: number, reason = ''): void {
    if (this.closed === null) this.reason = reason;
    this.closed ??= code;
  }

  override terminate(): void {
    super.close(1006);
  }
}

const statements = (bytes: number) => Array(Math.ceil(bytes / 10_000)).fill('x'.repeat(9_990));
const codes = (peers: readonly MemoryPeer[]) => peers.map(({ closed }) => closed && codeOf(closed));

describe('strangers that are told to go and stay', () => {
  it('take nobody else along: one goes for each that comes', async () => {
    const test = await startRelay({ limits: { ...loose, strangers: 3 } });
    const first = Array.from({ length: 3 }, (_, n) => new Lingering(test.relay, `198.51.100.${n}`));
    const next = Array.from({ length: 2 }, (_, n) => new Lingering(test.relay, `198.51.100.${n + 10}`));
    expect(codes(first)).toEqual(['relay.unavailable', 'relay.unavailable', null]);
    expect(codes(next)).toEqual([null, null]);
    expect(test.relay.counts()).toMatchObject({ strangers: 3, connections: 3 });
    // Nor do those that were closed for another reason hold places that others need.
    for (const peer of [first[2]!, ...next]) peer.raw(null);
    expect(test.relay.counts().strangers).toBe(3);
    await device(test);
  });

  it('and have said too much go one by one, and the relay goes on', async () => {
    const test = await startRelay({ limits: { ...loose, strangerBytes: 100_000 } });
    const peers = [30_000, 60_000, 20_000].map((size) => {
      const peer = new Lingering(test.relay);
      peer.say('news', { statements: statements(size) });
      return peer;
    });
    expect(codes(peers)).toEqual([null, 'relay.unavailable', null]);
  });
});

describe('strangers that wait for their proofs', () => {
  it('go when nobody else is left to go, and devices known here do not', () => {
    const strangers = new Strangers();
    const socket = { send() {}, close() {}, terminate() {}, bufferedAmount: 0 };
    const add = (address: string, state: Connection['state'], unknown = false) => {
      const connection = new Connection({ receive() {}, ended() {} }, socket, address, 0);
      strangers.add(Object.assign(connection, { state, unknown }));
      return connection;
    };
    add('a', 'guest');
    add('a', 'proving');
    expect(strangers.oldestOfBusiest()).toBeUndefined();
    const waiting = add('a', 'proving', true);
    expect(strangers.oldestOfBusiest()).toBe(waiting);
    const knocking = add('b', 'new');
    expect(strangers.oldestOfBusiest()).toBe(knocking);
  });
});

describe('strangers that hold bytes', () => {
  it('as guests keep nobody out: what they said before is forgotten', async () => {
    const test = await startRelay({ limits: { ...loose, strangerBytes: 100_000 } });
    const name = new Uint8Array(32).fill(7);
    const host = await device(test, 'bob', '198.51.100.2');
    host.say('meet', { channel: 1, join: false, name });
    const talker = new MemoryPeer(test.relay, '192.0.2.3');
    talker.say('news', { statements: statements(90_000) });
    talker.say('meet', { channel: 1, join: true, name });
    await talker.until('met');
    const other = new MemoryPeer(test.relay, '192.0.2.4');
    other.say('news', { statements: statements(50_000) });
    expect(codes([talker, other])).toEqual([null, null]);
  });

  it('of messages that are not whole yet have the same sum', async () => {
    const test = await startRelay({ limits: { ...loose, strangerBytes: 100_000 } });
    const { guest: joined } = await guest(test);
    const peers = [10_000, 70_000, 40_000].map((unfinishedBytes) =>
      Object.assign(new MemoryPeer(test.relay), { unfinishedBytes }),
    );
    test.tick();
    expect(codes(peers)).toEqual([null, 'relay.unavailable', null]);
    Object.assign(joined, { unfinishedBytes: 90_000 });
    test.tick();
    expect(codes([joined, peers[0]!, peers[2]!])).toEqual(['relay.unavailable', null, null]);
    // What became a whole message is not counted twice.
    for (const peer of peers) Object.assign(peer, { unfinishedBytes: 0 });
    test.tick();
    peers[0]!.say('news', { statements: statements(90_000) });
    expect(codes([peers[0]!])).toEqual([null]);
  });
});
