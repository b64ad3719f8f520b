import { concat } from '@caponier/crypto';
import { maxDataBytes } from '@caponier/protocol';
import { maxRecordBytes } from '@caponier/session';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { piecesOf, RecordReader } from '../src/channels/records.ts';

const record = (length: number) => Uint8Array.of(0, length >> 8, length & 255, ...new Uint8Array(length).fill(length));

describe('records over bodies of any cut', () => {
  test('come out as they went in, wherever the pieces end', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 16, max: 400 }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 30 }),
        (lengths, cuts) => {
          const records = lengths.map(record);
          const bytes = concat(...records);
          const reader = new RecordReader();
          const out: Uint8Array[] = [];
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = Math.min(bytes.length, at + cuts[i % cuts.length]!);
            for (const one of reader.push(bytes.subarray(at, end))) out.push(one.slice());
            at = end;
          }
          expect(out).toEqual(records);
          expect(reader.cut).toBe(false);
        },
      ),
    );
  });

  test('the longest takes two pieces, each within a frame', () => {
    const pieces = [...piecesOf(new Uint8Array(maxRecordBytes))];
    expect(pieces.map((piece) => piece.length)).toEqual([maxDataBytes, maxRecordBytes - maxDataBytes]);
  });

  test('a record that is not whole yet is known to be cut', () => {
    const reader = new RecordReader();
    expect([...reader.push(record(20).subarray(0, 12))]).toEqual([]);
    expect(reader.cut).toBe(true);
  });
});
