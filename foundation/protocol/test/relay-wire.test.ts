import { CaponierError } from '@caponier/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { relayErrors } from '../src/errors/relay.ts';
import {
  channelOf,
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameInput,
  type FrameName,
  isDataFrame,
  limits,
  maxDataBytes,
  maxMailBytes,
  relayErrorOf,
  relayFrames,
  relayNumberOf,
  type Side,
  setChannel,
  verdicts,
} from '../src/index.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const key = bytes(32);
const id = bytes(16);
const body = fc.uint8Array({ maxLength: 300 });
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const seq = fc.nat(Number.MAX_SAFE_INTEGER);
const jws = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,40}$/);
const list = fc.array(jws, { maxLength: 5 });
const resume = fc.uint8Array({ maxLength: 256 });

/** A generator of the fields of each frame: a frame without one does not type-check. */
const fieldsOf: { [N in FrameName]: fc.Arbitrary<Omit<Frame<N>, 'type' | 'channel'>> } = {
  challenge: fc.record({ relay: key, challenge: key }),
  hello: fc.record({ hello: jws, ticket: fc.oneof(jws, fc.constant('')), resume, chain: list }),
  welcome: fc.record({ window: u32, maxWindow: u32, maxStreams: u16, oneTime: u16, seconds: u32, resume }),
  error: fc.record({ code: u16 }),
  news: fc.record({ statements: list }),
  ping: fc.constant({}),
  pong: fc.constant({}),
  listen: fc.record({ mail: fc.boolean(), streams: fc.boolean() }),
  done: fc.constant({}),
  mail: fc.record({ to: key, id, seconds: u32, body }),
  accepted: fc.record({ id }),
  refused: fc.record({ id, code: u16, retry: u16 }),
  deliver: fc.record({ seq, from: key, id, body }),
  ack: fc.record({ seq }),
  open: fc.record({ peer: key, purpose: fc.nat(255) }),
  opened: fc.constant({}),
  data: fc.record({ body }),
  credit: fc.record({ bytes: u32 }),
  close: fc.record({ code: u16 }),
  meet: fc.record({ join: fc.boolean(), name: key }),
  met: fc.record({ together: fc.boolean() }),
  say: fc.record({ body }),
  leave: fc.record({ code: u16 }),
  offer: fc.record({ statements: list }),
  fetch: fc.record({ device: key }),
  prekeys: fc.record({ statement: fc.oneof(jws, fc.constant('')) }),
  allow: fc.record({ device: fc.boolean(), id: key, verdict: fc.constantFrom(...verdicts) }),
};
const names = Object.keys(relayFrames) as FrameName[];
const channelFor = (name: FrameName) => {
  const { channel } = relayFrames[name];
  return channel === 'none' ? fc.constant(0) : fc.integer({ min: channel === 'some' ? 1 : 0, max: 0xffff_ffff });
};
const frame = fc
  .constantFrom(...names)
  .chain((type) =>
    fc
      .tuple(channelFor(type), fieldsOf[type] as fc.Arbitrary<object>)
      .map(([channel, fields]) => ({ type, channel, ...fields }) as Frame),
  );
const sideOf = (type: FrameName): Side => (relayFrames[type].from === 'relay' ? 'relay' : 'device');
const encode = (f: Frame) => encodeFrame(f.type, f as unknown as FrameInput<typeof f.type>);

function parse(data: Uint8Array, side: Side): Frame | CaponierError {
  try {
    return decodeFrame(data, side);
  } catch (error) {
    if (error instanceof CaponierError && ['relay.protocol', 'relay.too_large'].includes(error.code)) return error;
    throw error;
  }
}

describe('relay frames', () => {
  it('come back as they went', () => {
    fc.assert(
      fc.property(frame, (f) => {
        const back = decodeFrame(encode(f), sideOf(f.type));
        expect(back).toEqual(f);
        expect(encode(back)).toEqual(encode(f));
      }),
      { numRuns: 400 },
    );
  });

  it('have one spelling: what parses re-encodes to the same bytes, whatever was changed', () => {
    let parsed = 0;
    fc.assert(
      fc.property(frame, fc.nat(), fc.nat(255), fc.integer({ min: -3, max: 3 }), (f, where, value, growth) => {
        const good = encode(f);
        const data = new Uint8Array(Math.max(0, good.length + growth));
        data.set(good.subarray(0, data.length));
        if (data.length > 0) data[where % data.length] = value;
        for (const side of ['relay', 'device'] as const) {
          const result = parse(data, side);
          if (result instanceof CaponierError) continue;
          parsed += 1;
          expect(encode(result)).toEqual(data);
        }
      }),
      { numRuns: 1500 },
    );
    expect(parsed).toBeGreaterThan(100);
  });

  it('never come out of noise as something else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(0x51), (data, type) => {
        if (data.length > 3) data.set([1, type, 0, 0]);
        for (const side of ['relay', 'device'] as const) {
          const result = parse(data, side);
          if (!(result instanceof CaponierError)) expect(encode(result)).toEqual(data);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('are refused cut short at every byte, and with one byte more where the length is fixed', () => {
    for (const name of names) {
      const [f] = fc.sample(fieldsOf[name] as fc.Arbitrary<object>, { numRuns: 1, seed: 7 });
      const channel = relayFrames[name].channel === 'none' ? 0 : 5;
      const good = encode({ type: name, channel, ...f } as Frame);
      for (let cut = 0; cut < good.length; cut++) {
        const result = parse(good.subarray(0, cut), sideOf(name));
        if (!(result instanceof CaponierError)) expect(encode(result)).toEqual(good.subarray(0, cut));
      }
      expect(parse(good.subarray(0, 7), sideOf(name))).toBeInstanceOf(CaponierError);
    }
    expect(parse(new Uint8Array([...encodeFrame('ping', {}), 0]), 'device')).toBeInstanceOf(CaponierError);
  });

  it('are refused from the wrong side', () => {
    for (const name of names) {
      const { from } = relayFrames[name];
      if (from === 'both') continue;
      const [f] = fc.sample(fieldsOf[name] as fc.Arbitrary<object>, { numRuns: 1 });
      const channel = relayFrames[name].channel === 'none' ? 0 : 5;
      const wrong = from === 'relay' ? 'device' : 'relay';
      expect(parse(encode({ type: name, channel, ...f } as Frame), wrong)).toMatchObject({ code: 'relay.protocol' });
    }
  });

  it('are bounded: a frame, a body, a record, a sequence number', () => {
    const whole = { to: new Uint8Array(32), id: new Uint8Array(16), seconds: 0, body: new Uint8Array(maxMailBytes) };
    expect(() => encodeFrame('mail', whole)).not.toThrow();
    expect(encodeFrame('deliver', { seq: 1, from: whole.to, id: whole.id, body: whole.body }).length).toBe(
      limits.maxFrameBytes,
    );
    expect(() => encodeFrame('mail', { ...whole, body: new Uint8Array(maxMailBytes + 1) })).toThrow('relay.protocol');
    const long = new Uint8Array(8 + maxDataBytes + 1);
    long.set(encodeFrame('data', { channel: 1, body: new Uint8Array(1) }).subarray(0, 8));
    expect(parse(long, 'device')).toMatchObject({ code: 'relay.too_large' });
    expect(isDataFrame(long)).toBe(false);
    expect(isDataFrame(long.subarray(0, -1))).toBe(true);
    const huge = new Uint8Array(limits.maxFrameBytes + 1);
    expect(parse(huge, 'device')).toMatchObject({ code: 'relay.too_large' });
    const far = encodeFrame('ack', { seq: 1 });
    far.set([0xff], 8);
    expect(parse(far, 'device')).toMatchObject({ code: 'relay.protocol' });
  });

  it('agree with the hot path about what a data frame is', () => {
    fc.assert(
      fc.property(frame, fc.nat(7), fc.nat(255), (f, where, value) => {
        const data = encode(f);
        data[where] = value;
        const result = parse(data, 'device');
        expect(isDataFrame(data)).toBe(!(result instanceof CaponierError) && result.type === 'data');
      }),
      { numRuns: 600 },
    );
    const data = encodeFrame('data', { channel: 3, body: new Uint8Array([9]) });
    setChannel(data, 0x8000_0001);
    expect(channelOf(data)).toBe(0x8000_0001);
    expect(decodeFrame(data, 'relay')).toEqual({ type: 'data', channel: 0x8000_0001, body: new Uint8Array([9]) });
  });

  it('know three verdicts and no fourth', () => {
    const ask = { channel: 1, device: true, id: new Uint8Array(32) };
    for (const [place, verdict] of verdicts.entries()) {
      const data = encodeFrame('allow', { ...ask, verdict });
      expect(data.at(-1)).toBe(place);
      expect(decodeFrame(data, 'device')).toMatchObject({ verdict });
      data.set([verdicts.length], data.length - 1);
      expect(parse(data, 'device')).toMatchObject({ code: 'relay.protocol' });
    }
    expect(() => encodeFrame('allow', { ...ask, verdict: 'pardon' as 'allow' })).toThrow('relay.protocol');
  });

  it('do not alias the buffer they were read from', () => {
    const whole = { to: new Uint8Array(32), id: new Uint8Array(16), seconds: 9, body: new Uint8Array([1, 2]) };
    const data = encodeFrame('mail', whole);
    const mail = decodeFrame(data, 'device') as Frame<'mail'>;
    data.fill(0xff);
    expect(mail.body).toEqual(new Uint8Array([1, 2]));
    expect(mail.to).toEqual(new Uint8Array(32));
  });
});

describe('relay numbers', () => {
  it('mean one thing each, there and back', () => {
    const numbers = Object.values(relayErrors).flatMap(({ close }) => (close ? [close] : []));
    expect(new Set(numbers).size).toBe(numbers.length);
    for (const [code, { close }] of Object.entries(relayErrors)) {
      if (close) expect(relayErrorOf(relayNumberOf(code as keyof typeof relayErrors))).toBe(code);
    }
    expect(relayErrorOf(1006)).toBe('relay.disconnected');
    expect(relayNumberOf('store.full')).toBe(4503);
  });
});
