import { lookup } from 'node:dns';
import { Socket } from 'node:net';
import { sign } from '@caponier/protocol';
import { testSigner } from '@caponier/testkit';
import { describe, expect, it, vi } from 'vitest';
import { MemoryPeer } from '../memory-peer.ts';
import { startRelay } from '../support.ts';
import { device, idle, inEveryState, loose } from './attack.ts';

describe('an address in what is shown', () => {
  it('is never connected to, nor looked up', async () => {
    const test = await startRelay({ limits: loose });
    const connected = vi.spyOn(Socket.prototype, 'connect');
    const fetched = vi.spyOn(globalThis, 'fetch');
    const url = 'https://metadata.internal:9/';
    const service = await sign(testSigner('a liar'), 'service', {
      aud: 'any',
      services: [{ role: 'relay', class: null, key: testSigner('x').did, url, pin: null, custody: 'other-operator' }],
      iat: test.clock.seconds(),
      nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
    });
    for (const { peer } of await inEveryState(test)) {
      peer.say('news', { channel: 0, statements: [service] });
      peer.say('hello', { ...idle, hello: service, ticket: service, chain: [service] });
    }
    const stranger = new MemoryPeer(test.relay, '192.0.2.77');
    stranger.say('hello', { ...idle, hello: service, ticket: service, chain: [service] });
    const ready = await device(test);
    ready.say('news', { channel: 1, statements: [service] });
    ready.say('offer', { channel: 2, statements: [service] });
    await expect.poll(() => ready.has('error').length).toBe(2);
    expect(connected).not.toHaveBeenCalled();
    expect(fetched).not.toHaveBeenCalled();
    expect(typeof lookup).toBe('function');
    vi.restoreAllMocks();
  });
});
