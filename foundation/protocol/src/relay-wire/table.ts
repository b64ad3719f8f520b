import { maxBundleStatements, maxFrameBytes } from '../limits.ts';
import { blob, bytes, choice, type Field, flag, rest, statement, statements, u8, u16, u32, u64 } from './fields.ts';

/**
 * The relay's wire protocol, version 1.
 *
 * One WebSocket, binary messages only, no compression. Each message is one frame of at
 * most 256 KiB: a header of 8 bytes and the fields of its type. Integers are big-endian.
 *
 *     0        1        2        3        4                                   8
 *     +--------+--------+--------+--------+--------+--------+--------+--------+---------
 *     | 1      | type   | 0      | 0      | channel                           | fields …
 *     +--------+--------+--------+--------+--------+--------+--------+--------+---------
 *
 * `channel` numbers what a frame belongs to. Streams a device opens are numbered by it, 1, 2, 3 …; streams that come to
 * it are numbered by the relay, from 2^31 up. A frame for a number that was used and is over is ignored (the other side
 * may not know yet); one for a number not used so far is an error. Requests and meetings are numbered by the device, in
 * one space of their own: an `error` names the number alone. 0 stands for the connection.
 *
 * A connection is `new` until its `hello` is answered by `welcome`, then `ready`; or it joins a meeting, and is a `guest`
 * to its end. Any frame from the wrong side, in the wrong state, of unknown type or version, too short, too long or with
 * bytes left over ends the connection with close code 4400 (`relay.protocol`).
 *
 * | type | name      | from   | in          | channel | fields                             | means                                              |
 * |------|-----------|--------|-------------|---------|------------------------------------|----------------------------------------------------|
 * | 01   | challenge | relay  | new         | 0       | relay 32, challenge 32             | who I am; sign this                                |
 * | 02   | hello     | device | new         | 0       | hello, ticket, resume, chain       | `hello` statement; admission; token; owner's chain |
 * | 03   | welcome   | relay  | ready       | 0       | limits, oneTime, seconds, resume   | you are in; keep the token                         |
 * | 04   | error     | relay  | any         | any     | code                               | that request, stream or connection has failed      |
 * | 05   | news      | device | new, ready  | any     | statements                         | new: a long chain's beginning; ready: removals     |
 * | 06   | ping      | both   | ready, guest| 0       |                                    | are you there                                      |
 * | 07   | pong      | both   | ready, guest| 0       |                                    | I am                                               |
 * | 08   | listen    | device | ready       | 0       | mail, streams                      | what comes for this device comes here              |
 * | 09   | done      | relay  | ready       | request |                                    | that request is done, durably                      |
 * | 10   | mail      | device | ready       | 0       | to 32, id 16, seconds, body        | keep this for that device, for so long             |
 * | 11   | accepted  | relay  | ready       | 0       | id 16                              | it is durable                                      |
 * | 12   | refused   | relay  | ready       | 0       | id 16, code, retry                 | it is not kept; come again after so many seconds   |
 * | 13   | deliver   | relay  | ready       | 0       | seq, from 32, id 16, body          | mail, in order of seq                              |
 * | 14   | ack       | device | ready       | 0       | seq                                | I have all up to here: forget it                   |
 * | 20   | open      | both   | ready       | stream  | peer 32, purpose                   | to: open; from: somebody opens                     |
 * | 21   | opened    | both   | ready       | stream  |                                    | I take it; it was taken                            |
 * | 22   | data      | both   | ready       | stream  | body                               | costs its whole frame length of the credit         |
 * | 23   | credit    | both   | ready       | stream  | bytes                              | you may send so much more                          |
 * | 24   | close     | both   | ready       | stream  | code                               | it is over, both ways                              |
 * | 30   | meet      | device | new, ready  | meeting | join, name 32                      | open (ready) or join (new, ready) a meeting        |
 * | 31   | met       | relay  | ready, guest| meeting | together                           | it is open; the other party is here                |
 * | 32   | say       | both   | ready, guest| meeting | body                               | to the other party                                 |
 * | 33   | leave     | both   | ready, guest| meeting | code                               | it is over                                         |
 * | 40   | offer     | device | ready       | request | statements                         | my `prekeys`, for others                           |
 * | 41   | fetch     | device | ready       | request | device 32                          | one `prekeys` of that device                       |
 * | 42   | prekeys   | relay  | ready       | request | statement                          | here, or empty: none                               |
 * | 50   | allow     | device | ready       | request | device, id 32, verdict             | this owner (or device) may reach me, or may not    |
 *
 * Credit: each side may send `window` bytes (see `welcome`) once a stream is open, and more as the reader grants it; the
 * sum outstanding never exceeds `maxWindow`. So a reader that stops costs at most that much memory, and nothing is dropped.
 *
 * Mail is idempotent by (sender, id): the same message again is accepted again and kept once; another one under the same
 * id is refused. `seconds` is how long it may wait; 0 leaves that to the relay, and no mail waits longer than the relay's
 * most. What has waited too long is gone: numbers of `deliver` rise, and may leave some out. `ack` counts for all mail up
 * to its number, and only for what this connection was given. `retry` is 0 where waiting alone would not help.
 *
 * `verdict` is 0 forget, 1 allow, 2 block. Who is neither of the same owner, nor its service, nor allowed, cannot reach a
 * device; a block, of a device or of its owner, beats every allow, drops what waits from there and closes the streams.
 * Whatever cannot be reached (not there, not allowed, blocked, unknown) answers `relay.not_reachable`: presence is for
 * one's own devices and those one was allowed by.
 *
 * Close codes: 1000 done; 1001 the relay goes away; 1008 too many failed proofs from this address; 1009 frame too large;
 * 44xx and 45xx as in the error catalogue (`errors/relay.ts`), where each has its sentence.
 */
export const relayVersion = 1;
export const relayHeaderBytes = 8;
/** Streams that come to a device are numbered from here, by the relay. */
export const relayNumbered = 0x8000_0000;

/** Bytes of a resume token at most. */
export const maxResumeBytes = 256;
/** Bytes of the fixed fields before the body of `deliver`, the longest that carries one: what remains is a mail's body. */
const deliverBytes = relayHeaderBytes + 8 + 32 + 16;
/** Bytes of a mail's body, so that `deliver` fits a frame, too. */
export const maxMailBytes = maxFrameBytes - deliverBytes;
/** Bytes of the body of one `data` or `say` frame: the largest Noise message (65,535). */
export const maxDataBytes = 65_535;

export type Side = 'relay' | 'device';
type Fields = Readonly<Record<string, Field<never>>>;

interface FrameForm<F> {
  readonly code: number;
  readonly from: Side | 'both';
  /** `none`: 0. `some`: not 0. `any`: both. */
  readonly channel: 'none' | 'some' | 'any';
  readonly fields: F;
}

function frame<F>(code: number, from: Side | 'both', channel: 'none' | 'some' | 'any', fields: F): FrameForm<F> {
  return { code, from, channel, fields };
}

/** What a device says of another device, or of an owner. The place is the byte on the wire. */
export const verdicts = ['forget', 'allow', 'block'] as const;
export type Verdict = (typeof verdicts)[number];

const key = bytes(32);
const messageId = bytes(16);

/** The table above, as encoders and decoders. Fields are written in this order. */
export const relayFrames = {
  challenge: frame(0x01, 'relay', 'none', { relay: key, challenge: key }),
  hello: frame(0x02, 'device', 'none', {
    hello: statement,
    ticket: statement,
    resume: blob(maxResumeBytes),
    chain: statements(maxBundleStatements),
  }),
  welcome: frame(0x03, 'relay', 'none', {
    /** Credit of a new stream, most credit outstanding, streams at once. */
    window: u32,
    maxWindow: u32,
    maxStreams: u16,
    /** One-time prekeys still held for this device. */
    oneTime: u16,
    /** Seconds the resume token lives. */
    seconds: u32,
    resume: blob(maxResumeBytes),
  }),
  error: frame(0x04, 'relay', 'any', { code: u16 }),
  news: frame(0x05, 'device', 'any', { statements: statements(maxBundleStatements) }),
  ping: frame(0x06, 'both', 'none', {}),
  pong: frame(0x07, 'both', 'none', {}),
  listen: frame(0x08, 'device', 'none', { mail: flag, streams: flag }),
  done: frame(0x09, 'relay', 'some', {}),
  mail: frame(0x10, 'device', 'none', { to: key, id: messageId, seconds: u32, body: rest(maxMailBytes) }),
  accepted: frame(0x11, 'relay', 'none', { id: messageId }),
  refused: frame(0x12, 'relay', 'none', { id: messageId, code: u16, retry: u16 }),
  deliver: frame(0x13, 'relay', 'none', { seq: u64, from: key, id: messageId, body: rest(maxMailBytes) }),
  ack: frame(0x14, 'device', 'none', { seq: u64 }),
  open: frame(0x20, 'both', 'some', { peer: key, purpose: u8 }),
  opened: frame(0x21, 'both', 'some', {}),
  data: frame(0x22, 'both', 'some', { body: rest(maxDataBytes) }),
  credit: frame(0x23, 'both', 'some', { bytes: u32 }),
  close: frame(0x24, 'both', 'some', { code: u16 }),
  meet: frame(0x30, 'device', 'some', { join: flag, name: key }),
  met: frame(0x31, 'relay', 'some', { together: flag }),
  say: frame(0x32, 'both', 'some', { body: rest(maxDataBytes) }),
  leave: frame(0x33, 'both', 'some', { code: u16 }),
  offer: frame(0x40, 'device', 'some', { statements: statements(maxBundleStatements) }),
  fetch: frame(0x41, 'device', 'some', { device: key }),
  prekeys: frame(0x42, 'relay', 'some', { statement }),
  allow: frame(0x50, 'device', 'some', { device: flag, id: key, verdict: choice(verdicts) }),
} as const satisfies Record<string, FrameForm<unknown>>;

export type FrameName = keyof typeof relayFrames;
type FieldsOf<F> = { readonly [N in keyof F]: F[N] extends Field<infer T> ? T : never };
/** A frame by its name: `Frame<'mail'>` has `type`, `channel` and the fields of the table. */
export type Frame<N extends FrameName = FrameName> = {
  [P in N]: { readonly type: P; readonly channel: number } & FieldsOf<(typeof relayFrames)[P]['fields']>;
}[N];

export interface AnyForm {
  readonly name: FrameName;
  readonly code: number;
  readonly from: Side | 'both';
  readonly channel: 'none' | 'some' | 'any';
  readonly fields: readonly (readonly [string, Field<never>])[];
}

/** Forms by their type byte, for the decoder. */
export const formsByCode: readonly (AnyForm | undefined)[] = (() => {
  const list: (AnyForm | undefined)[] = new Array(256).fill(undefined);
  for (const [name, form] of Object.entries(relayFrames)) {
    list[form.code] = { ...form, name: name as FrameName, fields: Object.entries(form.fields as Fields) };
  }
  return list;
})();
