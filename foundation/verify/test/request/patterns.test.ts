import fc from 'fast-check';
import { expect, test } from 'vitest';
import { covers, matches, matchesAgent } from '../../src/index.ts';

const word = fc.stringMatching(/^[a-c/]{0,4}$/);
const pattern = fc.tuple(word, fc.boolean()).map(([text, open]) => (open ? `${text}*` : text));

test('a pattern is exact, or a beginning', () => {
  expect([matches('notes', 'notes'), matches('notes', 'notes2'), matches('note*', 'notes'), matches('*', '')]).toEqual([
    true,
    false,
    true,
    true,
  ]);
  expect(matches('a*b', 'axb')).toBe(false);
});

test('what is covered matches nothing that the wider pattern does not', () => {
  fc.assert(
    fc.property(pattern, pattern, word, (wide, narrow, text) => {
      if (covers(wide, narrow) && matches(narrow, text)) expect(matches(wide, text)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('a beginning is never covered by one text, and covers itself', () => {
  expect([
    covers('notes', 'notes*'),
    covers('notes*', 'notes*'),
    covers('notes/*', 'notes*'),
    covers('*', 'x*'),
  ]).toEqual([false, true, false, true]);
});

test('each side of an agent pattern is a name or everything', () => {
  expect(['*@*', 'claude@*', '*@box', 'claude@box'].every((p) => matchesAgent(p, 'claude@box'))).toBe(true);
  expect(['codex@*', '*@laptop', 'claud@box', 'claude@bo'].some((p) => matchesAgent(p, 'claude@box'))).toBe(false);
});
