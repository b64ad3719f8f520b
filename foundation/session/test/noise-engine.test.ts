import { Secret } from '@caponier/crypto';
import { crypto } from '@caponier/crypto/node';
import { describe, expect, it } from 'vitest';
import { CipherState } from '../src/noise/cipher-state.ts';
import { HandshakeState, type Role } from '../src/noise/handshake-state.ts';
import { patternOf } from '../src/noise/pattern.ts';
import { noiseProtocol } from '../src/noise/protocol-name.ts';
import { backends, boxPair, codeOf, flipped, seeded, text } from './support.ts';

const nothing = new Uint8Array(0);

describe('pattern table', () => {
  it('places e1 and ekem1 as the hfs extension says', () => {
    expect(patternOf('NNpsk0+hfs').messages).toEqual([
      ['psk', 'e', 'e1'],
      ['e', 'ee', 'ekem1'],
    ]);
    expect(patternOf('KKhfs').messages).toEqual([
      ['e', 'es', 'e1', 'ss'],
      ['e', 'ee', 'ekem1', 'se'],
    ]);
    expect(patternOf('XXhfs').messages).toEqual([
      ['e', 'e1'],
      ['e', 'ee', 'ekem1', 's', 'es'],
      ['s', 'se'],
    ]);
  });

  it('does not depend on the order of modifiers', () => {
    expect(patternOf('NNhfs+psk0')).toEqual(patternOf('NNpsk0+hfs'));
  });

  it.each([
    'Noise_ZZ_25519_ChaChaPoly_SHA256',
    'Noise_NN_448_ChaChaPoly_SHA256',
    'Noise_NN_25519_ChaCha20_SHA256',
    'Noise_NN_25519_ChaChaPoly_MD5',
    'Noise_NNhfs_25519_ChaChaPoly_SHA256',
    'Noise_NN_25519+MLKEM768_ChaChaPoly_SHA256',
    'Noise_NNpsk9_25519_ChaChaPoly_SHA256',
    'Noise_NNpsk0+psk0_25519_ChaChaPoly_SHA256',
    'Noise_Nhfs_25519+MLKEM768_ChaChaPoly_SHA256',
    'Noise_NNfallback_25519_ChaChaPoly_SHA256',
    'Noise_NN_25519_ChaChaPoly_SHA256_',
    'Noise_toString_25519_ChaChaPoly_SHA256',
    '',
  ])('refuses %s', (name) => {
    expect(codeOf(() => noiseProtocol(name))).toBe('session.bad_handshake');
  });
});

describe.each(backends)('handshakes, $backend backend', (backend) => {
  const names = [
    ...['SHA256', 'SHA512', 'BLAKE2b', 'BLAKE2s'].map((hash) => `Noise_XX_25519_ChaChaPoly_${hash}`),
    'Noise_XX_25519_AESGCM_BLAKE2s',
    'Noise_XXhfs_25519+MLKEM768_AESGCM_SHA512',
    'Noise_IKhfs+psk2_25519+MLKEM768_ChaChaPoly_BLAKE2b',
    'Noise_K1X1_25519_ChaChaPoly_SHA512',
  ];

  it.each(names)('%s: both ends agree and talk', (name) => {
    const protocol = noiseProtocol(name);
    const statics = { initiator: boxPair('i', backend), responder: boxPair('r', backend) };
    const make = (role: Role) =>
      new HandshakeState({
        crypto: backend,
        protocol,
        role,
        prologue: text('p'),
        random: seeded(role),
        staticKey: statics[role],
        remoteStatic: statics[role === 'initiator' ? 'responder' : 'initiator'].publicKey,
        psks: protocol.usesPsk ? [Secret.from(new Uint8Array(32).fill(7))] : [],
      });
    let [writer, reader] = [make('initiator'), make('responder')];
    for (const _ of protocol.pattern.messages) {
      expect(writer.myTurn && !reader.myTurn).toBe(true);
      expect(reader.read(writer.write(text('payload')))).toEqual(text('payload'));
      [writer, reader] = [reader, writer];
    }
    const [a, b] = [writer.finish(), reader.finish()];
    expect(a.handshakeHash).toEqual(b.handshakeHash);
    expect(b.receive.decrypt(nothing, a.send.encrypt(nothing, text('hi')))).toEqual(text('hi'));
    a.receive.rekey();
    b.send.rekey();
    expect(a.receive.decrypt(nothing, b.send.encrypt(nothing, text('ho')))).toEqual(text('ho'));
  });

  it('refuses an all-zero shared secret', () => {
    // Points of small order (RFC 7748 section 6.1): every scalar takes them to zero.
    for (const low of [new Uint8Array(32), new Uint8Array(32).fill(1, 0, 1)]) {
      const responder = new HandshakeState({
        crypto: backend,
        protocol: noiseProtocol('Noise_NN_25519_ChaChaPoly_SHA256'),
        role: 'responder',
        prologue: nothing,
        random: seeded('r'),
      });
      responder.read(low);
      expect(codeOf(() => responder.write(nothing))).toBe('crypto.weak_point');
      expect(codeOf(() => responder.write(nothing))).toBe('session.bad_handshake');
    }
  });
});

describe('handshake state', () => {
  const make = (role: Role, random = seeded(role)) =>
    new HandshakeState({
      crypto,
      protocol: noiseProtocol('Noise_NNhfs_25519+MLKEM768_ChaChaPoly_SHA256'),
      role,
      prologue: nothing,
      random,
    });

  it('acts in turn only, and once', () => {
    const [a, b] = [make('initiator'), make('responder')];
    expect(codeOf(() => a.read(nothing))).toBe('session.bad_handshake');
    expect(codeOf(() => b.write(nothing))).toBe('session.bad_handshake');
    expect(codeOf(() => a.finish())).toBe('session.bad_handshake');
    b.read(a.write(nothing));
    a.read(b.write(nothing));
    a.finish();
    expect(codeOf(() => a.finish())).toBe('session.bad_handshake');
    expect(codeOf(() => a.write(nothing))).toBe('session.bad_handshake');
  });

  it('refuses altered, short and long messages, and then everything', () => {
    const a = make('initiator');
    const first = a.write(nothing);
    const b = make('responder');
    b.read(first);
    const second = b.write(nothing);
    // The public key in the middle of message 1 is not encrypted in this pattern: a change shows in message 2.
    for (let at = 0; at < second.length; at += 37) {
      const again = make('initiator');
      again.write(nothing);
      expect(codeOf(() => again.read(flipped(second, at)))).toBe('session.bad_handshake');
      expect(codeOf(() => again.read(second))).toBe('session.bad_handshake');
    }
    for (let length = 0; length < second.length; length += 97)
      expect(
        codeOf(() => {
          const again = make('initiator');
          again.write(nothing);
          again.read(second.slice(0, length));
        }),
      ).toBe('session.bad_handshake');
    expect(codeOf(() => make('responder').read(new Uint8Array(65_536)))).toBe('session.bad_handshake');
  });

  it('refuses a KEM key that fails the modulus check', () => {
    const first = make('initiator').write(nothing);
    first.fill(0xff, 32, 32 + 1152);
    const b = make('responder');
    b.read(first);
    expect(codeOf(() => b.write(nothing))).toBe('session.bad_handshake');
  });

  it('wants the keys its pattern names', () => {
    const options = { crypto, role: 'initiator', prologue: nothing, random: seeded('x') } as const;
    const kk = noiseProtocol('Noise_KK_25519_ChaChaPoly_SHA256');
    const psk = noiseProtocol('Noise_NNpsk0_25519_ChaChaPoly_SHA256');
    expect(codeOf(() => new HandshakeState({ ...options, protocol: kk }))).toBe('session.bad_handshake');
    expect(codeOf(() => new HandshakeState({ ...options, protocol: psk }))).toBe('session.bad_handshake');
    expect(
      codeOf(() => new HandshakeState({ ...options, protocol: psk, psks: [Secret.from(new Uint8Array(31))] })),
    ).toBe('session.bad_handshake');
  });
});

describe('cipher state', () => {
  const key = () => Secret.from(new Uint8Array(32).fill(9));
  const last = 0xffff_ffff_ffff_fffen;

  it('refuses to go on when its nonces are used up', () => {
    const cipher = new CipherState(crypto, 'ChaChaPoly', key(), last);
    const peer = new CipherState(crypto, 'ChaChaPoly', key(), last);
    const sealed = cipher.encrypt(nothing, text('last'));
    expect(peer.decrypt(nothing, sealed)).toEqual(text('last'));
    expect(codeOf(() => cipher.encrypt(nothing, text('one more')))).toBe('session.closed');
    expect(codeOf(() => peer.decrypt(nothing, sealed))).toBe('session.closed');
  });

  it('keeps its nonce when a ciphertext does not open', () => {
    const [a, b] = [new CipherState(crypto, 'AESGCM', key()), new CipherState(crypto, 'AESGCM', key())];
    const sealed = a.encrypt(nothing, text('x'));
    expect(codeOf(() => b.decrypt(nothing, flipped(sealed, 0)))).toBe('crypto.decrypt_failed');
    expect(b.decrypt(nothing, sealed)).toEqual(text('x'));
  });
});
