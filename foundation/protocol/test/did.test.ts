import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeDid, encodeDid, isDid, keyOf } from '../src/index.ts';

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('did:key', () => {
  test('names an Ed25519 key as the did:key method does', () => {
    // did:key method, section "Ed25519": first example.
    const did = 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp';
    const { type, key } = decodeDid(did);
    expect(type).toBe('ed25519');
    expect(encodeDid('ed25519', key)).toBe(did);
  });

  test('the name says the algorithm', () => {
    expect(encodeDid('ed25519', new Uint8Array(32).fill(7))).toMatch(/^did:key:z6Mk/);
    expect(encodeDid('p256', new Uint8Array(33).fill(2))).toMatch(/^did:key:zDn/);
    expect(encodeDid('x25519', new Uint8Array(32).fill(7))).toMatch(/^did:key:z6LS/);
  });

  test('what parses re-encodes to the same text', () => {
    fc.assert(
      fc.property(bytes32, fc.constantFrom('ed25519' as const, 'x25519' as const), (key, type) => {
        const did = encodeDid(type as 'ed25519', key);
        const again = decodeDid(did);
        expect(again.type).toBe(type);
        expect(encodeDid(again.type as 'ed25519', again.key)).toBe(did);
      }),
    );
  });

  test('what is not exactly a name is refused', () => {
    const good = encodeDid('ed25519', new Uint8Array(32).fill(9));
    for (const bad of [
      '',
      'did:key:z',
      good.slice(0, -1),
      `${good}1`,
      good.replace('z6', 'z7'),
      ` ${good}`,
      `${good}\n`,
      good.toUpperCase(),
      `did:key:z${'1'.repeat(5000)}`,
    ]) {
      expect(isDid(bad, 'ed25519', 'p256', 'x25519'), bad.slice(0, 60)).toBe(false);
      expect(() => decodeDid(bad)).toThrow(expect.objectContaining({ code: 'statement.bad_key' }));
    }
  });

  test('arbitrary text never parses as something that encodes otherwise', () => {
    fc.assert(
      fc.property(fc.string(), (tail) => {
        const did = `did:key:z${tail}`;
        if (!isDid(did, 'ed25519', 'p256', 'x25519')) return;
        const { type, key } = decodeDid(did);
        expect(encodeDid(type as 'ed25519', key)).toBe(did);
      }),
    );
  });

  test('an agreement key does not pass for a signing key', () => {
    const box = encodeDid('x25519', new Uint8Array(32).fill(3));
    expect(() => keyOf(box, 'ed25519')).toThrow(expect.objectContaining({ code: 'statement.bad_key' }));
  });
});
