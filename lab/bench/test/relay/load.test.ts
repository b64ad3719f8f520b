import { expect, test } from 'vitest';
import { also, oneMachine, raised } from '../../src/relay/limits.ts';
import { loadMail } from '../../src/relay/mail-load.ts';
import { openLoop, seededNumbers } from '../../src/relay/pace.ts';
import { clientMessage, frameReader } from '../../src/relay/pairs.ts';

test('an open loop keeps its rate, and its due times, however long the answers take', async () => {
  const due: number[] = [];
  const start = performance.now();
  await openLoop(2_000, { milliseconds: 200 }, seededNumbers(1), (at) => {
    due.push(at - start);
    // Somebody keeps the thread busy: what was due meanwhile is sent late, and counted from when it was due.
    if (due.length === 100) for (const until = performance.now() + 30; performance.now() < until; );
  });
  expect(due.length).toBeGreaterThan(320);
  expect(due.length).toBeLessThan(480);
  expect(due).toEqual([...due].sort((a, b) => a - b));
  expect(due.at(-1)).toBeLessThan(201);
  let counted = 0;
  await openLoop(10_000, { count: 50 }, seededNumbers(1), () => {
    counted += 1;
  });
  expect(counted).toBe(50);
});

test('the same seed gives the same load', () => {
  const [a, b] = [seededNumbers(5), seededNumbers(5)];
  for (let n = 0; n < 100; n++) {
    const value = a();
    expect(value).toBe(b());
    expect(value >= 0 && value < 1).toBe(true);
  }
});

test('mail is counted when it is answered, and timed from when it was due', async () => {
  const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
  const rate = (await loadMail(slow, 4, { milliseconds: 100 })) as number;
  expect(rate).toBeLessThanOrEqual((4 * 1000) / 19);
  const times = (await loadMail(slow, 4, { milliseconds: 100, perSecond: 500 })) as number[];
  expect(times.length).toBeGreaterThan(20);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(19);
});

test('frames are found however the bytes are cut', () => {
  const frame = (length: number) => {
    const head =
      length < 126
        ? [0x82, length]
        : length < 65_536
          ? [0x82, 126, length >>> 8, length & 0xff]
          : [0x82, 127, 0, 0, 0, 0, 0, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff];
    return Buffer.concat([Buffer.from(head), Buffer.alloc(length, 0x82)]);
  };
  const lengths = [0, 5, 125, 126, 300, 65_535, 65_536, 70_000, 0, 1];
  const stream = Buffer.concat(lengths.map(frame));
  for (const step of [1, 7, 1_000, stream.length]) {
    const found: number[] = [];
    const read = frameReader((length) => found.push(length));
    for (let at = 0; at < stream.length; at += step) read(stream.subarray(at, at + step));
    expect(found).toEqual(lengths);
  }
});

test('a client masks what it sends', () => {
  const message = clientMessage(Uint8Array.of(1, 2, 3, 4, 5));
  expect(message.subarray(0, 2)).toEqual(Buffer.from([0x82, 0x85]));
  const [mask, body] = [message.subarray(2, 6), message.subarray(6)];
  expect([...body].map((byte, i) => byte ^ mask[i & 3]!)).toEqual([1, 2, 3, 4, 5]);
  expect(clientMessage(new Uint8Array(264)).length).toBe(264 + 8);
});

test('raised limits are said as they would be given', () => {
  const limits = also(oneMachine, { limits: { strangers: 9_000 }, flags: { '--max-connections': 5 } });
  expect(raised(limits)).toContain('--limit strangers=9000');
  expect(raised(limits)).toContain('--max-connections 5');
  expect(raised(limits)).toContain('--limit challengesPerMinute=');
});
