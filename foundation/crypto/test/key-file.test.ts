import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Argon2Cost,
  fromUtf8,
  keyFileCost,
  maximumKeyFileCost,
  maximumKeyFileSecret,
  openKeyFile,
  passphraseFromText,
  randomFrom,
  Secret,
  sealKeyFile,
  utf8,
} from '../src/index.ts';
import { expectCode } from './backends.ts';

const random = randomFrom(globalThis.crypto);
const cheap: Argon2Cost = { memoryKib: 8, passes: 1, lanes: 1 };
const passphrase = passphraseFromText('correct horse');
const seal = (data: Uint8Array, cost = cheap) => sealKeyFile(Secret.from(data), passphrase, random, cost);

describe('key files', () => {
  test('open with the passphrase and with no other', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.string({ unit: 'binary' }), (data, text) => {
        const typed = passphraseFromText(text);
        const file = sealKeyFile(Secret.from(data), typed, random, cheap);
        expect(openKeyFile(file, typed).expose()).toEqual(data);
        expectCode('crypto.decrypt_failed', () => openKeyFile(file, passphraseFromText(`${text}!`)));
      }),
      { numRuns: 15 },
    );
  });

  test('by default cost what RFC 9106 recommends', () => {
    const data = new Uint8Array(32).fill(3);
    const file = sealKeyFile(Secret.from(data), passphrase, random);
    expect(JSON.parse(fromUtf8(file))).toMatchObject({ ...keyFileCost, kdf: 'argon2id' });
    expect(openKeyFile(file, passphrase).expose()).toEqual(data);
  });

  test('draw a new salt each time, and hold the longest secret but no longer one', () => {
    const longest = new Uint8Array(maximumKeyFileSecret);
    expect(seal(longest)).not.toEqual(seal(longest));
    expect(openKeyFile(seal(longest), passphrase).length).toBe(maximumKeyFileSecret);
    expectCode('crypto.bad_key_file', () => seal(new Uint8Array(maximumKeyFileSecret + 1)));
  });

  test('the same passphrase typed on another keyboard opens', () => {
    const file = sealKeyFile(Secret.from(Uint8Array.of(1)), passphraseFromText('caf\u00e9'), random, cheap);
    expect(openKeyFile(file, passphraseFromText('cafe\u0301')).expose()).toEqual(Uint8Array.of(1));
  });

  test('every changed byte is refused', () => {
    const file = seal(new Uint8Array(32));
    for (let at = 0; at < file.length; at++) {
      for (const change of [0x01, 0x20]) {
        const altered = Uint8Array.from(file);
        altered[at]! ^= change;
        expect(() => openKeyFile(altered, passphrase)).toThrow(/^crypto\.(bad_key_file|decrypt_failed)/);
      }
    }
  });

  test('every parameter is authenticated', () => {
    const file = fromUtf8(seal(new Uint8Array(32), { memoryKib: 32, passes: 2, lanes: 2 }));
    for (const [from, to] of [
      ['"memoryKib":32', '"memoryKib":33'],
      ['"passes":2', '"passes":3'],
      ['"lanes":2', '"lanes":1'],
      ['"salt":"', '"salt":"AAAAAAAAAAAAAAAAAAAAAA'],
    ] as const) {
      const altered = from === '"salt":"' ? file.replace(/"salt":"[^"]+/, to) : file.replace(from, to);
      expect(altered).not.toBe(file);
      expectCode('crypto.decrypt_failed', () => openKeyFile(utf8(altered), passphrase));
    }
  });

  test('a hostile file cannot ask for memory or time: refused before anything is derived', () => {
    const file = fromUtf8(seal(new Uint8Array(32)));
    const begin = process.cpuUsage();
    for (const [member, value] of [
      ['memoryKib', 1_073_741_824],
      ['memoryKib', maximumKeyFileCost.memoryKib + 1],
      ['memoryKib', 7],
      ['memoryKib', -1],
      ['memoryKib', 8.5],
      ['memoryKib', '"8"'],
      ['passes', 0],
      ['passes', maximumKeyFileCost.passes + 1],
      ['passes', 4_294_967_295],
      ['lanes', 0],
      ['lanes', maximumKeyFileCost.lanes + 1],
      ['lanes', 16_777_215],
    ] as const) {
      const altered = file.replace(new RegExp(`"${member}":\\d+`), `"${member}":${value}`);
      expectCode('crypto.bad_key_file', () => openKeyFile(utf8(altered), passphrase));
    }
    for (const cost of [
      { ...cheap, memoryKib: 2 ** 30 },
      { ...cheap, passes: 9 },
      { ...cheap, lanes: 9 },
      { ...cheap, lanes: 2 },
    ]) {
      expectCode('crypto.bad_key_file', () => seal(new Uint8Array(1), cost));
    }
    expectCode('crypto.bad_key_file', () => openKeyFile(new Uint8Array(1 << 20).fill(0x20), passphrase));
    expect(process.cpuUsage(begin).user / 1_000).toBeLessThan(1_000);
  });

  test('there is one form: other spellings of the same values are refused', () => {
    const file = fromUtf8(seal(new Uint8Array(32)));
    const value = JSON.parse(file);
    const { type, ...rest } = value;
    for (const other of [
      file.trimEnd(),
      `${file}\n`,
      ` ${file}`,
      `\ufeff${file}`,
      file.replace('"kdf"', ' "kdf"'),
      file.replace('"passes":1', '"passes":1.0'),
      file.replace('"passes":1', '"passes":1e0'),
      file.replace('{', '{"extra":1,'),
      file.replace('"passes":1', '"passes":1,"passes":1'),
      file.replace('argon2id', 'argon2i'),
      file.replace('caponier-key-1', 'caponier-key-2'),
      `${JSON.stringify({ ...rest, type })}\n`,
      file.replace('"}', '="}'),
      'null',
      '[]',
      '{}',
      '1',
      '',
    ]) {
      expectCode('crypto.bad_key_file', () => openKeyFile(utf8(other), passphrase));
    }
  });

  test('noise gives a coded error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json().map(utf8Safe)), (noise) => {
        expectCode('crypto.bad_key_file', () => openKeyFile(noise, passphrase));
      }),
      { numRuns: 200 },
    );
  });
});

function utf8Safe(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
