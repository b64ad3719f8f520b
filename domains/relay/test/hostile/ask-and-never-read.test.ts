import { describe, expect, it } from 'vitest';
import { startRelay } from '../support.ts';
import { device, nobody } from './attack.ts';

describe('a device that floods', () => {
  it('and does not read is cut, whatever it asks for', async () => {
    const test = await startRelay();
    const peer = await device(test);
    peer.bufferedAmount = 30 * 1024 * 1024;
    peer.say('ping', {});
    await Promise.resolve();
    await Promise.resolve();
    expect(peer.closed).toBe(1006);
    expect(test.logged.at(-1)).toMatchObject({ event: 'relay.cut', fields: { code: 'relay.too_slow' } });
    expect(test.relay.counts()).toMatchObject(nobody);
  });
});

describe('peers that do not read', () => {
  it('hold a bounded sum together: the one that holds most is cut', async () => {
    const test = await startRelay({ limits: { bufferedBytesTogether: 1_000 } });
    const cut: string[] = [];
    const hold = (name: string, bufferedAmount: number) =>
      test.relay.handleSocket({ bufferedAmount, send() {}, close() {}, terminate: () => cut.push(name) }, name);
    hold('little', 300);
    hold('most', 900);
    hold('much', 600);
    test.tick();
    expect(cut).toEqual(['most']);
  });
});
