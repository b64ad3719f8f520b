import type { Frame } from '@caponier/protocol';
import { describe, expect, it } from 'vitest';
import { Inbox } from '../../src/relay/inbox.ts';
import { INBOX_WAITING, MEETING_BYTES } from '../../src/relay/limits.ts';
import { MeetingEnd } from '../../src/relay/meetings.ts';
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

describe('a relay that pours out', () => {
  it('mail without waiting for acknowledgements is broken off', async () => {
    const inbox = new Inbox(() => Promise.resolve());
    const stuck = Promise.withResolvers<void>();
    inbox.handle(() => stuck.promise);
    const body = new Uint8Array(128 * 1024);
    const deliver = (seq: number) =>
      inbox.deliver({ type: 'deliver', channel: 0, seq, from: new Uint8Array(32), id: new Uint8Array(16), body });
    const most = INBOX_WAITING / body.length;
    for (let seq = 1; seq < most; seq++) deliver(seq);
    const pour = () => {
      for (let more = 1; more <= 3; more++) deliver(most + more);
    };
    expect(pour).toThrow(expect.objectContaining({ code: 'relay.too_large' }));
    inbox.handle(null);
    stuck.resolve();
  });

  it('more than a meeting carries ends it', async () => {
    const sent: string[] = [];
    const end = new MeetingEnd({ send: (name) => sent.push(name), close() {} }, 1, () => {});
    const body = new Uint8Array(64 * 1024 - 1);
    for (let n = 0; n <= MEETING_BYTES / body.length; n++) end.said(body);
    expect(sent).toEqual(['leave']);
    await expect(end.send(body)).rejects.toMatchObject({ code: 'relay.meeting_over' });
  });
});
