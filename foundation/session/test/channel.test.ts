import { crypto } from '@caponier/crypto/node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxKeyAgeMs, maxRecordPlaintext, maxRecordsPerKey } from '../src/channel/limits.ts';
import { flagEnd, parseRecord, recordHeader } from '../src/channel/record.ts';
import { channelPrologue, channelProtocol } from '../src/channel/start.ts';
import { type Channel, type ChannelContext, MessageReader, sealMessage, startChannel } from '../src/index.ts';
import { HandshakeState } from '../src/noise/handshake-state.ts';
import { boxPair, codeOf, flipped, seeded, text } from './support.ts';

const laptop = boxPair('laptop');
const box = boxPair('box');
const context: ChannelContext = {
  initiator: { owner: 'owner-a', device: 'did:key:zLaptop' },
  responder: { owner: 'owner-a', device: 'did:key:zBox' },
  purpose: 'shell',
};
let now = 0;
const clock = () => now;

function handshakes(seed = 'c', theirs: ChannelContext = context) {
  const a = startChannel({
    role: 'initiator',
    staticKey: laptop,
    peerKey: box.publicKey,
    context,
    random: seeded(`${seed}a`),
    clock,
  });
  const b = startChannel({
    role: 'responder',
    staticKey: box,
    peerKey: laptop.publicKey,
    context: theirs,
    random: seeded(`${seed}b`),
    clock,
  });
  return { a, b };
}

function pair(seed?: string): [Channel, Channel] {
  const { a, b } = handshakes(seed);
  b.read(a.write());
  a.read(b.write());
  return [a.finish(), b.finish()];
}

describe('channel handshake', () => {
  it('takes two messages and gives both ends the same hash', () => {
    const { a, b } = handshakes();
    const first = a.write();
    expect(first.length).toBe(1248);
    b.read(first);
    const second = b.write();
    expect(second.length).toBe(1152);
    a.read(second);
    expect(a.done && b.done).toBe(true);
    expect(a.finish().handshakeHash).toEqual(b.finish().handshakeHash);
  });

  it.each([
    ['owner', { ...context, initiator: { ...context.initiator, owner: 'owner-b' } }],
    ['device', { ...context, responder: { ...context.responder, device: 'did:key:zOther' } }],
    ['purpose', { ...context, purpose: 'forward' }],
    ['boundary between two names', { ...context, initiator: { owner: 'owner-', device: 'adid:key:zLaptop' } }],
    ['direction', { ...context, initiator: context.responder, responder: context.initiator }],
  ])('binds %s', (_, theirs) => {
    const { a, b } = handshakes('c', theirs);
    expect(codeOf(() => b.read(a.write()))).toBe('session.bad_handshake');
  });

  it('refuses another static key, a replayed answer, and a payload', () => {
    const { a, b } = handshakes();
    const mallory = startChannel({
      role: 'initiator',
      staticKey: boxPair('mallory'),
      peerKey: box.publicKey,
      context,
      random: seeded('m'),
      clock,
    });
    expect(codeOf(() => b.read(mallory.write()))).toBe('session.bad_handshake');
    const other = handshakes('other');
    other.b.read(other.a.write());
    a.write();
    expect(codeOf(() => a.read(other.b.write()))).toBe('session.bad_handshake');
    expect(codeOf(() => a.finish())).toBe('session.bad_handshake');
  });

  it('refuses names that are too long', () => {
    expect(codeOf(() => handshakes('x', { ...context, purpose: 'p'.repeat(513) }))).toBe('session.too_large');
  });
});

describe('records', () => {
  it('carry 0 to 65,519 bytes both ways', () => {
    const [a, b] = pair();
    for (const length of [0, 1, 1000, maxRecordPlaintext]) {
      const plaintext = seeded('p')(length);
      expect(b.open(a.seal(plaintext))).toEqual(plaintext);
      expect(a.open(b.seal(plaintext))).toEqual(plaintext);
    }
    expect(codeOf(() => a.seal(new Uint8Array(maxRecordPlaintext + 1)))).toBe('session.too_large');
    expect(b.open(a.seal(text('still open')))).toEqual(text('still open'));
  });

  it.each([
    ['dropped', (r: Uint8Array[]) => [r[1]!]],
    ['repeated', (r: Uint8Array[]) => [r[0]!, r[0]!]],
    ['reordered', (r: Uint8Array[]) => [r[1]!, r[0]!]],
    ['cut', (r: Uint8Array[]) => [r[0]!.slice(0, -1)]],
    ['lengthened', (r: Uint8Array[]) => [Uint8Array.of(...r[0]!, 0)]],
    ['empty', () => [new Uint8Array(0)]],
    ['marked as rekeyed', (r: Uint8Array[]) => [Uint8Array.of(1, ...r[0]!.subarray(1))]],
    ['marked as the last', (r: Uint8Array[]) => [Uint8Array.of(2, ...r[0]!.subarray(1))]],
    ['marked with unknown flags', (r: Uint8Array[]) => [Uint8Array.of(4, ...r[0]!.subarray(1))]],
  ])('one that is %s ends the channel for good', (_, change) => {
    const [a, b] = pair();
    const records = [text('one'), text('two')].map((m) => a.seal(m));
    const bad = change(records);
    const codes = bad.map((record) => codeOf(() => b.open(record)));
    expect(codes.find((code) => code !== 'nothing thrown')).toBe('session.bad_record');
    expect(b.closed).toBe(true);
    expect(codeOf(() => b.open(records[0]!))).toBe('session.closed');
    expect(codeOf(() => b.seal(text('x')))).toBe('session.closed');
  });

  it('are not accepted back by their sender', () => {
    const [a] = pair();
    const record = a.seal(text('mine'));
    expect(codeOf(() => a.open(record))).toBe('session.bad_record');
  });

  it('never open altered', () => {
    const [a] = pair();
    const record = a.seal(text('a record'));
    for (let at = 0; at < record.length; at++) {
      const [, b] = pair();
      expect(codeOf(() => b.open(flipped(record, at)))).toBe('session.bad_record');
    }
  });

  it('end with one that says so', () => {
    const [a, b] = pair();
    expect(b.open(a.end())).toEqual(new Uint8Array(0));
    expect(b.peerEnded).toBe(true);
    expect(codeOf(() => a.seal(text('more')))).toBe('session.closed');
    expect(a.open(b.seal(text('the other way stays open')))).toEqual(text('the other way stays open'));
  });
});

describe('new keys', () => {
  it('come with time', () => {
    const [a, b] = pair();
    expect(parseRecord(a.seal(text('1'))).flags).toBe(0);
    const [c, d] = pair('again');
    now += maxKeyAgeMs;
    const record = c.seal(text('2'));
    expect(parseRecord(record).flags).toBe(1);
    expect(d.open(record)).toEqual(text('2'));
    expect(d.open(c.seal(text('3')))).toEqual(text('3'));
    expect(codeOf(() => b.open(record))).toBe('session.bad_record');
  });

  it('come with records', () => {
    const [a, b] = pair();
    const rekeyed: number[] = [];
    for (let i = 0; i <= maxRecordsPerKey + 1; i++) {
      const record = a.seal(new Uint8Array(0));
      if (parseRecord(record).flags & 1) rekeyed.push(i);
      b.open(record);
    }
    expect(rekeyed).toEqual([maxRecordsPerKey]);
  });
});

describe('a hostile peer', () => {
  /** The box's channel, and the bare cipher of a peer that finished the handshake and then keeps to no rule. */
  function hostile(): { box: Channel; record: (flags: number, plaintext: Uint8Array) => Uint8Array } {
    const noise = new HandshakeState({
      crypto,
      protocol: channelProtocol,
      role: 'initiator',
      prologue: channelPrologue(context),
      random: seeded('hostile'),
      staticKey: laptop,
      remoteStatic: box.publicKey,
    });
    const { b } = handshakes();
    b.read(noise.write(new Uint8Array(0)));
    noise.read(b.write());
    const { send } = noise.finish();
    return {
      box: b.finish(),
      record: (flags, plaintext) => {
        const header = recordHeader(flags, plaintext.length + 16);
        return Uint8Array.of(...header, ...send.encrypt(header, plaintext));
      },
    };
  }

  it('cannot put a payload into the handshake', () => {
    const noise = new HandshakeState({
      crypto,
      protocol: channelProtocol,
      role: 'initiator',
      prologue: channelPrologue(context),
      random: seeded('hostile'),
      staticKey: laptop,
      remoteStatic: box.publicKey,
    });
    const { b } = handshakes();
    expect(codeOf(() => b.read(noise.write(text('run this'))))).toBe('session.bad_handshake');
    expect(codeOf(() => b.write())).toBe('session.bad_handshake');
  });

  it('cannot go on after its last record, nor put anything into it', () => {
    const after = hostile();
    after.box.open(after.record(flagEnd, new Uint8Array(0)));
    expect(codeOf(() => after.box.open(after.record(0, text('more'))))).toBe('session.bad_record');
    const within = hostile();
    expect(codeOf(() => within.box.open(within.record(flagEnd, text('more'))))).toBe('session.bad_record');
  });

  it('cannot stay with one key for ever', () => {
    const { box, record } = hostile();
    for (let i = 0; i < maxRecordsPerKey; i++) box.open(record(0, new Uint8Array(0)));
    expect(codeOf(() => box.open(record(0, new Uint8Array(0))))).toBe('session.bad_record');
  });
});

describe('messages over records', () => {
  it('of any size come out whole', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(200), fc.constantFrom(65_514, 65_515, 65_516, 131_033, 131_034, 200_000)), {
          maxLength: 4,
        }),
        (lengths) => {
          const [a, b] = pair();
          const reader = new MessageReader(b);
          const sent = lengths.map((length) => seeded('m')(length));
          const got: Uint8Array[] = [];
          for (const message of sent)
            for (const record of sealMessage(a, message)) {
              const whole = reader.open(record);
              if (whole) got.push(whole);
            }
          expect(got).toEqual(sent);
          expect(reader.open(a.end())).toBeNull();
          expect(b.peerEnded).toBe(true);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('are refused when announced too large, short-changed, or cut', () => {
    const cases: [string, (a: Channel) => Uint8Array[]][] = [
      ['session.too_large', (a) => sealMessage(a, new Uint8Array(1001))],
      ['session.bad_record', (a) => [a.seal(Uint8Array.of(0, 0, 0))]],
      ['session.bad_record', (a) => [a.seal(Uint8Array.of(0, 0, 0, 9, 1))]],
      ['session.bad_record', (a) => [a.seal(Uint8Array.of(0, 0, 0, 1, 1, 1))]],
    ];
    for (const [code, records] of cases) {
      const [a, b] = pair();
      const reader = new MessageReader(b, 1000);
      expect(codeOf(() => records(a).map((record) => reader.open(record)))).toBe(code);
      expect(b.closed).toBe(true);
    }
    const [a, b] = pair();
    const reader = new MessageReader(b);
    const [first] = sealMessage(a, new Uint8Array(70_000));
    expect(reader.open(first!)).toBeNull();
    expect(codeOf(() => reader.open(a.end()))).toBe('session.bad_record');
  });
});

describe('hostile bytes', () => {
  it('never do more than end a handshake or channel with a code', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        const { a, b } = handshakes();
        a.write();
        expect(codeOf(() => a.read(bytes))).toBe('session.bad_handshake');
        expect(codeOf(() => b.read(bytes))).toMatch(/^(session\.bad_handshake|crypto\.weak_point)$/);
        const [, channel] = pair();
        expect(codeOf(() => channel.open(bytes))).toBe('session.bad_record');
      }),
      { numRuns: 60 },
    );
  });

  it('records that parse have one spelling', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.uint8Array({ minLength: 16, maxLength: 64 }), (flags, ciphertext) => {
        const bytes = Uint8Array.of(flags, 0, ciphertext.length, ...ciphertext);
        const record = parseRecord(bytes);
        expect(Uint8Array.of(...record.header, ...record.ciphertext)).toEqual(bytes);
        expect(codeOf(() => parseRecord(Uint8Array.of(...bytes, 0)))).toBe('session.bad_record');
      }),
    );
  });
});
