import { limits as wire } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { later, Peer, startRelay } from '../support.ts';
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

  it('that is compressed is none: no extension is agreed upon, and nothing is unpacked', async () => {
    const test = await startRelay();
    const ws = new WebSocket(test.url, { perMessageDeflate: { threshold: 0 } });
    later(() => ws.terminate());
    let offered: string | undefined;
    ws.once('upgrade', ({ headers }) => {
      offered = headers['sec-websocket-extensions'] ?? 'none';
    });
    await new Promise((resolve) => ws.once('message', resolve));
    expect([offered, ws.extensions]).toEqual(['none', '']);
    // The bit that says so (RFC 7692 section 6) is refused as one that means nothing.
    const closed = new Promise((resolve) => ws.once('close', resolve));
    const inside = ws as unknown as { _socket: { write(bytes: Uint8Array): void } };
    inside._socket.write(new Uint8Array([0xc2, 0x81, 0, 0, 0, 0, 0]));
    expect(await closed).toBe(1002);
  });
});
