import { type KeyPair, Secret } from '@caponier/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maxSealedPlaintext, openSealed, sealTo } from '../src/index.ts';
import { backends, boxPair, codeOf, flipped, seeded, text } from './support.ts';

const random = seeded('seal');
const context = text('vault.reveal 1');

describe.each(backends)('sealing to a device, $backend backend', (crypto) => {
  const box = boxPair('device', crypto);
  const kem = crypto.mlkem768.keyPair(Secret.from(seeded('kem')(64)));
  const to = (kemPair?: KeyPair) => ({
    seal: { boxKey: box.publicKey, context, random, crypto, ...(kemPair ? { kemKey: kemPair.publicKey } : {}) },
    open: { box, context, crypto, ...(kemPair ? { kem: kemPair } : {}) },
  });

  it.each([undefined, kem])('opens what was sealed, for this device and context only', (kemPair) => {
    const { seal, open } = to(kemPair);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(2000), (plaintext, at) => {
        const sealed = sealTo(plaintext, seal);
        expect(openSealed(sealed, open)).toEqual(plaintext);
        expect(codeOf(() => openSealed(flipped(sealed, at), open))).toBe('session.bad_record');
        expect(codeOf(() => openSealed(sealed.slice(0, at % sealed.length), open))).toMatch(/^session\.bad_record$/);
      }),
      { numRuns: 15 },
    );
    const sealed = sealTo(text('a secret'), seal);
    expect(codeOf(() => openSealed(sealed, { ...open, context: text('vault.reveal 2') }))).toBe('session.bad_record');
    expect(codeOf(() => openSealed(sealed, { ...open, box: boxPair('other', crypto) }))).toBe('session.bad_record');
    expect(sealTo(text('a secret'), seal)).not.toEqual(sealed);
  });

  it('does not open a lesser seal where a KEM key is given, nor the reverse', () => {
    expect(codeOf(() => openSealed(sealTo(text('x'), to().seal), to(kem).open))).toBe('session.bad_record');
    expect(codeOf(() => openSealed(sealTo(text('x'), to(kem).seal), to().open))).toBe('session.bad_record');
    const other = crypto.mlkem768.keyPair(Secret.from(seeded('other kem')(64)));
    expect(codeOf(() => openSealed(sealTo(text('x'), to(kem).seal), to(other).open))).toBe('session.bad_record');
  });

  it('refuses keys of small order and too much', () => {
    expect(codeOf(() => sealTo(text('x'), { ...to().seal, boxKey: new Uint8Array(32) }))).toBe('crypto.weak_point');
    const sealed = sealTo(text('x'), to().seal);
    sealed.fill(0, 1, 33);
    expect(codeOf(() => openSealed(sealed, to().open))).toBe('crypto.weak_point');
    expect(codeOf(() => sealTo(new Uint8Array(maxSealedPlaintext + 1), to().seal))).toBe('session.too_large');
  });
});
