import { describe, expect, it } from 'vitest';
import { checkAcks, createTraceReader, straceAcks, straceWorks, whereEngine } from '../src/index.ts';

const wal = '/d/x.db-wal';
const write = (text: string, path = wal, pid = 2) => `${pid}  pwrite64(27<${path}>, "${text}", 24, 32) = 24`;
const sync = (path = wal, result = '0', name = 'fdatasync') => `2  ${name}(27<${path}>) = ${result}`;
const ack = (n: number) => `1  write(1<pipe:[5]>, "ACK ${n}\\n", 6) = 6`;
const judge = (lines: string[], marker?: (n: number) => string) => {
  const reader = createTraceReader();
  for (const line of lines) reader.line(line);
  return checkAcks(reader.calls, { files: /-wal$/, ...(marker ? { marker } : {}) });
};
const missing = (ack: number) => ({ ack, reason: 'no sync between write and acknowledgement' });
const unwritten = (ack: number) => ({ ack, reason: 'nothing of it was written before' });

describe('checkAcks', () => {
  it('accepts a sync between write and acknowledgement', () => {
    expect(judge([write('a'), sync(), ack(0), write('b'), sync(wal, '0', 'fsync'), ack(1)])).toEqual({
      acks: [0, 1],
      unproven: [],
    });
  });

  it.each([
    ['no sync', [write('a'), ack(0)], missing(0)],
    ['a sync before the write', [sync(), write('a'), ack(0)], missing(0)],
    ['a sync after the acknowledgement', [write('a'), ack(0), sync()], missing(0)],
    ['a sync of another file', [write('a'), sync('/d/y.db-wal'), ack(0)], missing(0)],
    ['a sync that failed', [write('a'), sync(wal, '-1 EIO (Input/output error)'), ack(0)], missing(0)],
    ['a sync of only the first of two writes', [write('a'), sync(), write('b'), ack(0)], missing(0)],
    ['a sync of one of two files', [write('a'), write('b', '/d/z-wal'), sync(), ack(0)], missing(0)],
    ['no write', [sync(), ack(0)], unwritten(0)],
    [
      'a write that failed',
      ['2  pwrite64(27</d/x.db-wal>, "a", 1, 0) = -1 ENOSPC (No space left)', sync(), ack(0)],
      unwritten(0),
    ],
    ['a write elsewhere', [write('a', '/d/other'), sync(), ack(0)], unwritten(0)],
    ['only what was written for the one before', [write('a'), sync(), ack(7), ack(8)], unwritten(8)],
    [
      'a sync that has not ended',
      [write('a'), '2  fsync(27</d/x.db-wal> <unfinished ...>', ack(0), '2  <... fsync resumed>) = 0'],
      missing(0),
    ],
    [
      'a sync that began before the write ended',
      ['3  pwrite64(27</d/x.db-wal>, "a", 1, 0 <unfinished ...>', sync(), '3  <... pwrite64 resumed>) = 1', ack(0)],
      missing(0),
    ],
  ])('refuses %s', (_name, lines, finding) => {
    expect(judge(lines).unproven).toEqual([finding]);
  });

  it('puts calls together that another thread cut in two', () => {
    const lines = [
      '2  pwrite64(27</d/x.db-wal>, "a", 1, 0 <unfinished ...>',
      '3  write(5<pipe:[6]>, "x", 1) = 1',
      '2  <... pwrite64 resumed>) = 1',
      '2  fsync(27</d/x.db-wal> <unfinished ...>',
      '3  write(5<pipe:[6]>, "y", 1) = 1',
      '2  <... fsync resumed>)             = 0',
      ack(0),
    ];
    expect(judge(lines)).toEqual({ acks: [0], unproven: [] });
  });

  it('follows marked data when others write at the same time', () => {
    const marker = (n: number) => `mark-${n};`;
    expect(judge([write('mark-1;'), sync(), write('mark-2; mark-1;'), ack(1), ack(2)], marker).unproven).toEqual([
      missing(2),
    ]);
    expect(judge([write('mark-2;'), write('other'), sync(), ack(1)], marker).unproven).toEqual([unwritten(1)]);
  });
});

const itWithStrace = whereEngine(it, 'strace', straceWorks());
const script = (durable: boolean) => `
  const fs = require('node:fs');
  const file = fs.openSync(process.argv[1], 'w');
  for (let n = 0; n < 3; n++) {
    fs.writeSync(file, 'data ' + n);
    ${durable ? 'fs.fsyncSync(file);' : ''}
    fs.writeSync(1, 'ACK ' + n + '\\n');
  }`;

describe('straceAcks', () => {
  const run = (durable: boolean) =>
    straceAcks({
      command: [process.execPath, '-e', script(durable), `/tmp/caponier-strace-${process.pid}-wal`],
      files: /-wal$/,
    });

  itWithStrace('tells a process that syncs from one that does not', async () => {
    expect(await run(true)).toEqual({ acks: [0, 1, 2], unproven: [] });
    expect(await run(false)).toEqual({ acks: [0, 1, 2], unproven: [0, 1, 2].map(missing) });
  });

  itWithStrace('fails when the command fails', async () => {
    await expect(straceAcks({ command: [process.execPath, '-e', 'process.exit(3)'], files: /x/ })).rejects.toThrow(
      'ended with 3',
    );
  });
});
