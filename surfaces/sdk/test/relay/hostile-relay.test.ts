import type { Frame } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { Streams } from '../../src/relay/streams.ts';

describe('a relay that does not keep to the credit', () => {
  it('fills no memory: what nobody granted ends the stream', async () => {
    const sent: { name: string; values: object }[] = [];
    const streams = new Streams();
    const wire = { send: (name: string, values: object) => sent.push({ name, values }), close() {} };
    streams.up(wire, { window: 1_000 } as Frame<'welcome'>);
    const peer = new Uint8Array(32);
    const opening = streams.openTo(peer, 1);
    streams.opened({ type: 'opened', channel: 1 });
    const stream = await opening;
    const data = () => streams.data({ type: 'data', channel: 1, body: new Uint8Array(392) });
    data();
    data();
    const reader = stream.messages[Symbol.asyncIterator]();
    expect((await reader.next()).value).toHaveLength(392);
    expect((await reader.next()).value).toHaveLength(392);
    expect(sent.at(-1)).toEqual({ name: 'credit', values: { channel: 1, bytes: 800 } });
    data();
    data();
    expect(sent.at(-1)!.name).toBe('credit');
    data();
    expect(sent.at(-1)!.name).toBe('close');
    await expect(stream.send(peer)).rejects.toMatchObject({ code: 'relay.credit_exceeded' });
  });
});
