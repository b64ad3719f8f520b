import { describe, expect, it } from 'vitest';
import { codeOf, startRelay } from '../support.ts';
import { device } from './attack.ts';

describe('a device that floods', () => {
  it('with requests is told so', async () => {
    const test = await startRelay({ limits: { requestsPerMinute: 10 } });
    const peer = await device(test);
    for (let n = 1; n <= 12; n++) peer.say('fetch', { channel: n, device: new Uint8Array(32) });
    await expect.poll(() => peer.has('prekeys').length).toBe(10);
    expect(peer.has('error').map((frame) => [frame.channel, codeOf(frame)])).toEqual([
      [11, 'relay.rate_limited'],
      [12, 'relay.rate_limited'],
    ]);
  });
});
