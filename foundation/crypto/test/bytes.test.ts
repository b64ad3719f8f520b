import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concat, fromBase64url, fromHex, fromUtf8, randomFrom, toBase64url, toHex, utf8 } from '../src/index.ts';
import { base64url as node } from '../src/node/index.ts';
import { base64url as web } from '../src/web/index.ts';
import { expectCode } from './backends.ts';

const some = fc.uint8Array({ maxLength: 100 });

describe('encodings have one form', () => {
  test('base64url, hex and UTF-8 give back what went in', () => {
    fc.assert(
      fc.property(some, (data) => {
        expect(fromBase64url(toBase64url(data))).toEqual(data);
        expect(fromHex(toHex(data))).toEqual(data);
        expect(node.encode(data)).toBe(web.encode(data));
        expect(Object.getPrototypeOf(fromBase64url(toBase64url(data)))).toBe(Uint8Array.prototype);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(fromUtf8(utf8(text))).toBe(text);
      }),
    );
    expect(fromUtf8(utf8('\ufeffx'))).toBe('\ufeffx');
  });

  test.each([
    ['padding', 'AA=='],
    ['trailing bits', 'AB'],
    ['trailing bits of three', 'AAB'],
    ['an impossible length', 'A'],
    ['an impossible length', 'AAAAA'],
    ['the other alphabet', 'AA+/'],
    ['a space', 'AAA '],
    ['a newline', 'AAAA\n'],
    ['a letter outside ASCII', 'AAAĀ'],
    ['a NUL', 'AAA\0'],
  ])('base64url refuses %s', (_, text) => {
    expectCode('crypto.bad_encoding', () => fromBase64url(text));
    expect(web.decode(text)).toBeUndefined();
  });

  test('whatever decodes encodes to the same text, on both backends, and both take the same', () => {
    const almost = fc.string({ unit: fc.constantFrom(...'ABgw_-+/= \n9é'), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(almost, fc.string()), (text) => {
        const [a, b] = [node.decode(text), web.decode(text)];
        expect(a).toEqual(b);
        if (a) expect(toBase64url(a)).toBe(text);
        else expectCode('crypto.bad_encoding', () => fromBase64url(text));
      }),
      { numRuns: 500 },
    );
  });

  test('hex and UTF-8 refuse the rest', () => {
    for (const text of ['a', 'AB', 'zz', '0x', ' 00', '00\n']) expectCode('crypto.bad_encoding', () => fromHex(text));
    for (const data of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      expectCode('crypto.bad_encoding', () => fromUtf8(Uint8Array.from(data)));
    }
    expectCode('crypto.bad_encoding', () => utf8('\ud800'));
  });

  test('concat', () => {
    fc.assert(
      fc.property(fc.array(some, { maxLength: 5 }), (parts) => {
        expect([...concat(...parts)]).toEqual(parts.flatMap((part) => [...part]));
      }),
    );
  });
});

test('randomFrom asks in portions that WebCrypto gives', () => {
  const asked: number[] = [];
  const random = randomFrom({
    getRandomValues(array) {
      asked.push(array.length);
      array.fill(asked.length);
    },
  });
  const drawn = random(150_000);
  expect(asked).toEqual([65_536, 65_536, 18_928]);
  expect(drawn[0]).toBe(1);
  expect(drawn[149_999]).toBe(3);
  expect(random(0)).toEqual(new Uint8Array(0));
  const real = randomFrom(globalThis.crypto);
  expect(toHex(real(32))).not.toBe(toHex(real(32)));
});
