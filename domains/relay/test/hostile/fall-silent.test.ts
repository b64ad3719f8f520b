import { describe, expect, it } from 'vitest';
import { startRelay } from '../support.ts';
import { device, nobody } from './attack.ts';

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
});
