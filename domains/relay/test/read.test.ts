import type { Writable } from 'node:stream';
import { limits } from '@caponier/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as wsModule from 'ws';
import { readWhole } from '../src/node/read.ts';

const { WebSocket } = wsModule;
// Its types leave it out.
const { Receiver } = wsModule as unknown as { Receiver: new (options: object) => Writable };

/** The short way in against ws alone: whatever comes, cut however, both see the same. */

interface Options {
  readonly readWhole: boolean;
}

/** What a receiver makes of these chunks: messages, pings, the close, and the code of a refusal, in order. */
async function heard(chunks: readonly Uint8Array[], options: Options): Promise<string[]> {
  const said: string[] = [];
  const message = (data: Uint8Array, isBinary: boolean) =>
    said.push(`${isBinary ? 'binary' : 'text'} ${Buffer.from(data).toString('hex')}`);
  const receiver = new Receiver({ isServer: true, maxPayload: limits.maxFrameBytes, maxFragments: 64 });
  const ws = { readyState: WebSocket.OPEN as number };
  receiver.on('message', message);
  receiver.on('ping', (data: Buffer) => said.push(`ping ${data.toString('hex')}`));
  receiver.on('pong', (data: Buffer) => said.push(`pong ${data.toString('hex')}`));
  receiver.on('conclude', (code: number) => {
    ws.readyState = WebSocket.CLOSING;
    said.push(`close ${code}`);
  });
  receiver.on('error', (error: { code?: string }) => said.push(`error ${error.code}`));
  if (options.readWhole) {
    const link = { receive: (bytes: Uint8Array | null) => void message(bytes!, true), ended() {} };
    readWhole(receiver, { ws: ws as wsModule.WebSocket, link, owed: 0, begun: null });
  }
  for (const chunk of chunks) {
    // A chunk of the socket's lies where it lies: not at the beginning of its memory.
    const memory = new Uint8Array(chunk.length + 3);
    const view = Buffer.from(memory.buffer, said.length % 4, chunk.length);
    view.set(chunk);
    receiver.write(view);
    await new Promise((resolve) => setImmediate(resolve));
    if (said.some((line) => line.startsWith('error') || line.startsWith('close'))) break;
  }
  return said;
}

interface Part {
  readonly first: number;
  readonly body: Uint8Array;
  readonly mask: readonly number[] | null;
  /** Bytes of the length field more than needed. */
  readonly long: boolean;
}

function encode({ first, body, mask, long }: Part): Buffer {
  const { length } = body;
  const bit = mask ? 0x80 : 0;
  const head =
    length < 126 && !long
      ? Buffer.from([first, bit | length])
      : length < 65_536 && !(long && length > 200)
        ? Buffer.from([first, bit | 126, length >>> 8, length & 0xff])
        : Buffer.from([
            first,
            bit | 127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >>> 16) & 0xff,
            (length >>> 8) & 0xff,
            length & 0xff,
          ]);
  const masked = mask ? body.map((byte, i) => byte ^ mask[i & 3]!) : body;
  return Buffer.concat([head, Buffer.from(mask ?? []), masked]);
}

const mask = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 });
const body = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 140 }) },
  { weight: 1, arbitrary: fc.integer({ min: 120, max: 70_000 }).map((n) => new Uint8Array(n).map((_, i) => i)) },
);
const plain: fc.Arbitrary<Part> = fc.record({ first: fc.constant(0x82), body, mask, long: fc.boolean() });
const odd: fc.Arbitrary<Part> = fc.record({
  // Text, parts, the end of parts, ping, pong, close; rarely what there is not.
  first: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(0x81, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88) },
    { weight: 1, arbitrary: fc.nat(255) },
  ),
  body: fc.uint8Array({ maxLength: 20 }).map((bytes) => bytes.map((byte) => byte & 0x7f)),
  mask: fc.oneof({ weight: 20, arbitrary: mask }, { weight: 1, arbitrary: fc.constant(null) }),
  long: fc.boolean(),
});
const parts = fc.array(fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: odd }), { maxLength: 12 });

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((share) => Math.floor(share * bytes.length)))].sort((a, b) => a - b);
  return [0, ...places].map((from, i) => bytes.subarray(from, places[i] ?? bytes.length));
}

const share = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

test('whatever comes, cut however, is heard as ws hears it', async () => {
  await fc.assert(
    fc.asyncProperty(parts, fc.array(share, { maxLength: 8 }), async (some, cuts) => {
      const chunks = cut(Buffer.concat(some.map(encode)), cuts);
      expect(await heard(chunks, { readWhole: true })).toEqual(await heard(chunks, { readWhole: false }));
    }),
    { numRuns: 400 },
  );
});

test('byte by byte, every header is cut everywhere', async () => {
  const lengths = [0, 1, 31, 32, 33, 125, 126, 300];
  const messages = lengths.map((length) => ({
    first: 0x82,
    body: new Uint8Array(length).map((_, i) => i),
    mask: [1, 2, 3, 4],
    long: length === 300,
  }));
  const stream = Buffer.concat(messages.map(encode));
  const chunks = [...stream].map((byte) => Uint8Array.of(byte));
  const expected = messages.map(({ body: bytes }) => `binary ${Buffer.from(bytes).toString('hex')}`);
  expect(await heard(chunks, { readWhole: true })).toEqual(expected);
  expect(await heard([stream], { readWhole: true })).toEqual(expected);
});

test('random bytes are refused just as ws refuses them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 4 }), async (chunks) => {
      expect(await heard(chunks, { readWhole: true })).toEqual(await heard(chunks, { readWhole: false }));
    }),
    { numRuns: 300 },
  );
});

test('a message above the limit is refused at its header, and a length without sense, too', async () => {
  const header = (length: bigint) => {
    const bytes = Buffer.alloc(14);
    bytes.set([0x82, 0xff]);
    bytes.writeBigUInt64BE(length, 2);
    return bytes;
  };
  for (const length of [BigInt(limits.maxFrameBytes) + 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n]) {
    for (const chunks of [[header(length)], [header(length).subarray(0, 5), header(length).subarray(5)]]) {
      const said = await heard(chunks, { readWhole: true });
      expect(said).toEqual(await heard(chunks, { readWhole: false }));
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(/^error/);
    }
  }
});

test('what comes after a close is not heard', async () => {
  const part = (first: number, bytes: number[]) =>
    encode({ first, body: Uint8Array.from(bytes), mask: [9, 9, 9, 9], long: false });
  const chunk = Buffer.concat([part(0x82, [1]), part(0x88, [0x03, 0xe8]), part(0x82, [2])]);
  expect(await heard([chunk], { readWhole: true })).toEqual(['binary 01', 'close 1000']);
});
