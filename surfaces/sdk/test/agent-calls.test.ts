import { fail } from '@caponier/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeCall, encodeFailure, encodeResult, maxCallLine, parseCall, parseReply } from '../src/index.ts';

test('a call that parses writes itself again', () => {
  const line = '{"id":7,"call":"memory_get","args":{"key":"notes/plan"}}';
  expect(encodeCall(parseCall(line))).toBe(`${line}\n`);
});

test.each([
  ['another call', '{"id":1,"call":"toString","args":{}}'],
  ['a further member', '{"id":1,"call":"whoami","args":{},"as":"root"}'],
  ['a further argument', '{"id":1,"call":"whoami","args":{"as":"root"}}'],
  ['a missing argument', '{"id":1,"call":"memory_get","args":{}}'],
  ['no JSON', 'whoami'],
])('%s is refused', (_what, line) => {
  expect(() => parseCall(line)).toThrow(expect.objectContaining({ code: 'host.bad_body' }));
});

test('a line that is too long is refused before it is parsed', () => {
  expect(() => parseCall(' '.repeat(maxCallLine + 1))).toThrow(
    expect.objectContaining({ code: 'host.body_too_large' }),
  );
});

test('fuzz: nothing that is no call gets through', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(() => parseCall(text)).toThrow(expect.objectContaining({ code: 'host.bad_body' }));
      expect(() => parseReply(text)).toThrow(expect.objectContaining({ code: 'host.bad_body' }));
    }),
  );
});

test('a refusal crosses with its code; what has none crosses as internal', () => {
  expect(parseReply(encodeFailure(3, fail('vault.no_secret', 'db path /x')))).toMatchObject({
    id: 3,
    error: { code: 'vault.no_secret' },
  });
  expect(encodeFailure(3, new Error('secret'))).not.toContain('secret');
  expect(parseReply(encodeResult(4, { a: 1 }))).toEqual({ id: 4, result: { a: 1 } });
});
