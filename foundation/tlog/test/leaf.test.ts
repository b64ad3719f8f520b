import { base64urlnopad } from '@scure/base';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  decodeEventsLeaf,
  decodeOwnersLeaf,
  encodeEventsLeaf,
  encodeOwnersLeaf,
  type OwnersLeaf,
} from '../src/index.ts';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => base64urlnopad.encode(bytes));
const leaf: fc.Arbitrary<OwnersLeaf> = fc
  .record({
    owner: hash,
    id: hash,
    seq: fc.maxSafeNat(),
    class: fc.constantFrom('membership' as const, 'private' as const),
  })
  .map((l) => (l.seq === 0 ? { ...l, id: l.owner } : l));

it('a leaf of owners is 73 bytes and comes back', () => {
  fc.assert(
    fc.property(leaf, (l) => {
      const bytes = encodeOwnersLeaf(l);
      expect(bytes.length).toBe(73);
      expect(decodeOwnersLeaf(bytes)).toEqual(l);
    }),
  );
});

it('what decodes encodes to the same bytes', () => {
  const small = fc.constantFrom(0, 1, 2, 31, 32, 255);
  const any = fc
    .tuple(hash, fc.array(small, { minLength: 9, maxLength: 9 }), hash)
    .map(([owner, middle, id]) =>
      Uint8Array.of(...base64urlnopad.decode(owner), ...middle, ...base64urlnopad.decode(id)),
    );
  fc.assert(
    fc.property(fc.oneof(any, fc.uint8Array({ minLength: 70, maxLength: 76 })), (bytes) => {
      try {
        expect(encodeOwnersLeaf(decodeOwnersLeaf(bytes))).toEqual(bytes);
      } catch (error) {
        expect(error).toMatchObject({ code: 'log.bad_leaf' });
      }
    }),
    { numRuns: 2000 },
  );
});

it('refuses a first statement that is not the owner, and an owner that is a later one', () => {
  const [a, b] = [base64urlnopad.encode(new Uint8Array(32).fill(1)), base64urlnopad.encode(new Uint8Array(32).fill(2))];
  for (const bad of [
    { owner: a, id: b, seq: 0 },
    { owner: a, id: a, seq: 3 },
    { owner: a, id: b, seq: -1 },
    { owner: `${a}=`, id: b, seq: 1 },
    { owner: a.slice(1), id: b, seq: 1 },
  ]) {
    expect(() => encodeOwnersLeaf({ ...bad, class: 'private' })).toThrow('log.bad_leaf');
  }
  const first = encodeOwnersLeaf({ owner: a, id: a, seq: 0, class: 'membership' });
  first[72]! ^= 1;
  expect(() => decodeOwnersLeaf(first)).toThrow('log.bad_leaf');
});

it('a leaf of events is the hash itself', () => {
  fc.assert(fc.property(hash, (h) => void expect(decodeEventsLeaf(encodeEventsLeaf(h))).toBe(h)));
  for (const bad of ['', 'AA', `${'A'.repeat(42)}B`, 'A'.repeat(44)])
    expect(() => encodeEventsLeaf(bad)).toThrow('log.bad_leaf');
});
