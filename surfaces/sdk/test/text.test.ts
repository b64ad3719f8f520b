import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable } from '../src/index.ts';

describe('text of a peer on a terminal', () => {
  test.each([
    ['\u001b[2Jgone', '<U+001B>[2Jgone'],
    ['a\rb', 'a<U+000D>b'],
    ['\u0007', '<U+0007>'],
    ['\u009b31m', '<U+009B>31m'],
    ['pay \u202e001', 'pay <U+202E>001'],
    ['\u2066x\u2069', '<U+2066>x<U+2069>'],
    ['a\u200bb', 'a<U+200B>b'],
    ['\ud800', '<U+D800>'],
    ['\u2028', '<U+2028>'],
    ['line\nnext\tcell', 'line<U+000A>next<U+0009>cell'],
  ])('%j', (text, shown) => expect(printable(text)).toBe(shown));

  test('leaves letters of any script, and lines where they are wanted', () => {
    expect(printable('žluťoučký 漢字 👍🏽 ok')).toBe('žluťoučký 漢字 👍🏽 ok');
    expect(printable('one\n\ttwo\u001b', { lines: true })).toBe('one\n\ttwo<U+001B>');
  });

  test('never lets a control or format character through, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
