import { describe, expect, it } from 'vitest';
import { Peer, startRelay } from '../support.ts';

describe('a device that floods', () => {
  it('with pings of the WebSocket gets no more pongs than it reads', async () => {
    const test = await startRelay();
    const peer = new Peer(test.url);
    await peer.next('challenge');
    let pongs = 0;
    peer.ws.on('pong', () => {
      pongs += 1;
    });
    peer.ws.ping('x');
    await expect.poll(() => pongs).toBe(1);
  });
});
