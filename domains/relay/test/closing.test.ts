import { describe, expect, it } from 'vitest';
import { device } from './hostile/attack.ts';
import { MemoryPeer } from './memory-peer.ts';
import { startRelay } from './support.ts';

describe('a connection', () => {
  it('is told to go when the relay closes', async () => {
    const test = await startRelay();
    const peer = await device(test);
    const answer = await test.relay.app.request('/healthz');
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ok' }]);
    test.relay.close();
    expect(peer.closed).toBe(1001);
    expect((await test.relay.app.request('/healthz')).status).toBe(503);
    const missing = await test.relay.app.request('/owners');
    expect([missing.status, await missing.json()]).toMatchObject([404, { code: 'host.not_found' }]);
    expect(new MemoryPeer(test.relay, '192.0.2.8').closed).toBe(1001);
  });
});
