import { randomBytes } from 'node:crypto';
import { Secret } from '@caponier/crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Keyring, type Place } from '../src/keys/keyring.ts';

const random = (length: number) => new Uint8Array(randomBytes(length));
const master = Uint8Array.from(randomBytes(32));
const ring = () => new Keyring(Secret.from(master.slice()), random);
const place: Place = { owner: 'o'.repeat(43), name: 'github', version: 3 };
const rules = '{"origins":["https://api.github.com"],"allowPrivate":false}';
const value = Uint8Array.from(Buffer.from('token-of-forty-characters'));
const failed = { code: 'crypto.decrypt_failed' };

const code = (act: () => unknown) => {
  try {
    act();
    return 'ok';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('a sealed value', () => {
  it('opens in its place, in another process with the same master key', () => {
    const blob = ring().seal(Secret.from(value.slice()), place, rules, 1);
    expect(ring().open(blob, place, rules).expose()).toEqual(value);
    expect(Buffer.from(blob).includes(Buffer.from(value))).toBe(false);
  });

  it('still opens after the epoch changed, with the key it names', () => {
    const keys = ring();
    const old = keys.seal(Secret.from(value.slice()), place, rules, 0);
    const fresh = keys.seal(Secret.from(value.slice()), place, rules, 7);
    expect(keys.open(old, place, rules).expose()).toEqual(value);
    expect(keys.open(fresh, place, rules).expose()).toEqual(value);
    expect(Buffer.from(old.subarray(1, 17))).not.toEqual(Buffer.from(fresh.subarray(1, 17)));
  });

  it('opens nowhere else: owner, name, version and rules are bound', () => {
    const blob = ring().seal(Secret.from(value.slice()), place, rules, 1);
    for (const other of [
      { ...place, name: 'gitlab' },
      { ...place, version: 2 },
    ]) {
      expect(() => ring().open(blob, other, rules)).toThrow(expect.objectContaining(failed));
    }
    expect(() => ring().open(blob, place, rules.replace('false', 'true'))).toThrow(expect.objectContaining(failed));
    // Another owner has other keys, so the key id already differs.
    const stranger = { ...place, owner: 'p'.repeat(43) };
    expect(() => ring().open(blob, stranger, rules)).toThrow(expect.objectContaining({ code: 'vault.locked' }));
  });

  it('tells a wrong master key from damage', () => {
    const blob = ring().seal(Secret.from(value.slice()), place, rules, 1);
    const other = new Keyring(Secret.from(random(32)), random);
    expect(() => other.open(blob, place, rules)).toThrow(expect.objectContaining({ code: 'vault.locked' }));
    expect(() => new Keyring(Secret.from(random(31)), random)).toThrow(
      expect.objectContaining({ code: 'vault.locked' }),
    );
  });

  it('returns nothing for any changed byte and any other bytes', () => {
    const keys = ring();
    const blob = keys.seal(Secret.from(value.slice()), place, rules, 1);
    for (let i = 0; i < blob.length; i++) {
      const changed = blob.slice();
      changed[i]! ^= 1;
      expect(['crypto.decrypt_failed', 'vault.locked']).toContain(code(() => keys.open(changed, place, rules)));
      expect(code(() => keys.open(blob.subarray(0, i), place, rules))).not.toBe('ok');
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(code(() => keys.open(bytes, place, rules))).not.toBe('ok');
      }),
      { numRuns: 200 },
    );
  });
});
