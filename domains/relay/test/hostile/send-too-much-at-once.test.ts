import { limits as wire } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { Peer, startRelay } from '../support.ts';
import { nobody } from './attack.ts';

describe('a broken message', () => {
  it('above 256 KiB, or in more pieces than a frame needs, is ended by the WebSocket itself', async () => {
    const test = await startRelay();
    const large = new Peer(test.url);
    await large.next('challenge');
    large.raw(new Uint8Array(wire.maxFrameBytes + 1));
    expect(await large.gone()).toBe(1009);
    const pieces = new Peer(test.url);
    await pieces.next('challenge');
    for (let n = 0; n < 80; n++) pieces.ws.send(new Uint8Array(10), { fin: false, binary: true });
    expect(await pieces.gone()).toBe(1008);
    await expect.poll(() => test.relay.counts()).toMatchObject(nobody);
  });
});
