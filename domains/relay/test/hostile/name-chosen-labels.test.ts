import { describe, expect, it } from 'vitest';
import { relayCounters, relayTimings } from '../../src/meter.ts';
import { MemoryPeer } from '../memory-peer.ts';
import { startRelay } from '../support.ts';
import { device, idle, inEveryState, loose } from './attack.ts';

describe('counters and lines of the log', () => {
  it('never carry a word that a peer has chosen', async () => {
    const counted = new Map<string, Set<string>>();
    const timed = new Set<string>();
    const meter = {
      add: (counter: string, value: string) => {
        counted.set(counter, (counted.get(counter) ?? new Set()).add(value));
      },
      time: (name: string) => timed.add(name),
    };
    const test = await startRelay({ limits: loose, meter });
    const word = 'chosen-by-the-peer';
    const jws = `${word}.${word}.${word}`;
    for (const { peer } of await inEveryState(test)) {
      peer.say('news', { channel: 0, statements: [jws] });
      peer.say('hello', { ...idle, hello: jws, ticket: jws, chain: [jws] });
      peer.raw(new TextEncoder().encode(`\r\n\u001b[31m${word}`));
    }
    for (const address of ['a', 'b']) new MemoryPeer(test.relay, address).say('hello', { ...idle, hello: jws });
    const ready = await device(test);
    ready.say('offer', { channel: 4, statements: [jws] });
    ready.say('news', { channel: 5, statements: [jws] });
    await expect.poll(() => ready.has('error').length).toBe(2);
    for (const [counter, values] of counted) {
      const known = relayCounters[counter as keyof typeof relayCounters].values as readonly string[];
      for (const value of values) expect(known).toContain(value);
    }
    for (const name of timed) expect(Object.keys(relayTimings)).toContain(name);
    expect(JSON.stringify(test.logged)).not.toMatch(/chosen|\\u001b|\\r|\\n/);
    expect(counted.size).toBeGreaterThan(1);
  });
});
