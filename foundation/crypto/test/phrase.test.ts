import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entropyFromPhrase, phraseFromEntropy, Secret } from '../src/index.ts';
import { bytes, expectCode, hex, vectors } from './backends.ts';

const { english } = vectors<{ english: { entropy: string; phrase: string }[] }>('bip39');

test('published phrases', () => {
  for (const { entropy, phrase } of english) {
    expect(phraseFromEntropy(Secret.from(bytes(entropy)))).toBe(phrase);
    expect(hex(entropyFromPhrase(phrase).expose())).toBe(entropy);
  }
});

test('12 and 24 words give back their bytes, however they are typed', () => {
  const entropy = fc.constantFrom(16, 32).chain((length) => fc.uint8Array({ minLength: length, maxLength: length }));
  fc.assert(
    fc.property(entropy, (data) => {
      const phrase = phraseFromEntropy(Secret.from(data));
      expect(phrase.split(' ').length).toBe(data.length === 16 ? 12 : 24);
      expect(entropyFromPhrase(phrase).expose()).toEqual(data);
      expect(entropyFromPhrase(`  ${phrase.toUpperCase().replaceAll(' ', '\n\t')} `).expose()).toEqual(data);
    }),
    { numRuns: 50 },
  );
});

test('other lengths carry no phrase', () => {
  for (const length of [0, 15, 20, 24, 28, 31, 33, 64]) {
    expectCode('crypto.bad_key', () => phraseFromEntropy(Secret.from(new Uint8Array(length))));
  }
});

test('a wrong word, order, count or checksum is refused, and the error does not repeat the words', () => {
  const good = english[1]!.phrase;
  const words = good.split(' ');
  const eighteen = `${'abandon '.repeat(17)}agent`;
  const bad = [
    '',
    ' ',
    words.slice(0, 11).join(' '),
    `${good} zoo`,
    good.replace('yellow', 'zoo'),
    good.replace('winner', 'winer'),
    [words[1], words[0], ...words.slice(2)].join(' '),
    eighteen,
    `${good} ${good}`,
    good.replaceAll(' ', ','),
  ];
  for (const phrase of bad) {
    expectCode('crypto.bad_phrase', () => entropyFromPhrase(phrase));
    try {
      entropyFromPhrase(phrase);
    } catch (error) {
      expect(String((error as Error).stack)).not.toContain('sausage');
      expect((error as Error).cause).toBeUndefined();
    }
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      expectCode('crypto.bad_phrase', () => entropyFromPhrase(text));
    }),
    { numRuns: 100 },
  );
});
