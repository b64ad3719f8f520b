import { Secret, toBase64url } from '@caponier/crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Channel } from '../src/channel/channel.ts';
import {
  codeWords,
  encodeCode,
  type JoinCode,
  type Joining,
  type JoinRole,
  maxIntroductionBytes,
  meetingName,
  newCodeSecret,
  parseCode,
  parseCodeWords,
  startJoining,
} from '../src/index.ts';
import { joinKey } from '../src/join/code.ts';
import { commitmentTo, joinPrologue, joinProtocol } from '../src/join/joining.ts';
import { HandshakeState } from '../src/noise/handshake-state.ts';
import { backends, codeOf, flipped, seeded, text } from './support.ts';

const [node, web] = backends;
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const codes: fc.Arbitrary<JoinCode> = fc.record({
  secret: bytes(16).map((b) => Secret.from(b.slice())),
  relay: fc.constantFrom('https://relay.example', 'https://10.0.0.7:7443', 'http://localhost:7000', 'https://[::1]:8'),
  pin: fc.option(bytes(32).map(toBase64url)),
  trust: bytes(32).map(toBase64url),
  kind: fc.constantFrom('member', 'controller', 'approver', 'contact', 'guest', 'room'),
});

describe('codes', () => {
  it('survive the way through their link', () => {
    fc.assert(
      fc.property(codes, (code) => {
        const link = encodeCode(code);
        const parsed = parseCode(link);
        expect({ ...parsed, secret: parsed.secret.expose() }).toEqual({ ...code, secret: code.secret.expose() });
        expect(encodeCode(parsed)).toBe(link);
      }),
    );
  });

  it('have one spelling, and any other text is refused with a code', () => {
    const good = encodeCode(fc.sample(codes, 1)[0]!);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.string({ maxLength: 3, unit: 'grapheme' }), (at, piece) => {
        const changed = good.slice(0, at) + piece + good.slice(at + 1);
        let parsed: JoinCode;
        try {
          parsed = parseCode(changed);
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^(code\.malformed|session\.bad_version)$/);
          return;
        }
        expect(encodeCode(parsed)).toBe(changed);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.string({ maxLength: 600 }), (junk) => {
        expect(codeOf(() => parseCode(junk))).toBe('code.malformed');
        expect(codeOf(() => parseCode(`https://relay.example/#${junk}`))).toMatch(/^(code|session)\./);
      }),
    );
  });

  it.each([
    'HTTPS://relay.example',
    'https://relay.example:443',
    'https://relay.example/path',
    'ftp://relay.example',
    'https://u:p@relay.example',
    'relay.example',
    '',
  ])('refuse the address %s', (relay) => {
    const code = { ...fc.sample(codes, 1)[0]!, relay };
    expect(codeOf(() => encodeCode(code))).toBe('code.malformed');
    const fragment = encodeCode({ ...code, relay: 'https://relay.example' }).split('/#')[1];
    expect(codeOf(() => parseCode(`${relay}/#${fragment}`))).toBe('code.malformed');
  });

  it('have a form of twelve words', () => {
    fc.assert(
      fc.property(bytes(16), (secret) => {
        const words = codeWords(Secret.from(secret.slice()));
        expect(words.split(' ')).toHaveLength(12);
        expect(parseCodeWords(words).expose()).toEqual(secret);
      }),
    );
    expect(codeOf(() => parseCodeWords('abandon '.repeat(12)))).toBe('code.malformed');
    expect(codeOf(() => parseCodeWords(`${'abandon '.repeat(23)}art`))).toBe('code.malformed');
    expect(codeOf(() => codeWords(Secret.from(new Uint8Array(32))))).toBe('code.malformed');
  });

  it('name the meeting by one hash and its key by another', () => {
    const secret = newCodeSecret(seeded('code'));
    expect(secret.length).toBe(16);
    expect(meetingName(secret)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(meetingName(secret, web)).toBe(meetingName(secret, node));
    expect(toBase64url(joinKey(secret, node!).expose())).not.toBe(meetingName(secret));
    expect(meetingName(newCodeSecret(seeded('other')))).not.toBe(meetingName(secret));
  });
});

function side(role: JoinRole, seed = 's', code = 'code', backend = node!): Joining {
  return startJoining({
    role,
    secret: newCodeSecret(seeded(code)),
    introduction: text(`I am the ${role}`),
    random: seeded(seed + role),
    clock: () => 0,
    crypto: backend,
  });
}

/** Passes messages until both are done; `touch` may change one on its way. */
function run(joiner: Joining, adder: Joining, touch: (message: Uint8Array, step: number) => Uint8Array = (m) => m) {
  for (let step = 0; !joiner.done || !adder.done; step++) {
    const [from, to] = joiner.myTurn ? [joiner, adder] : [adder, joiner];
    to.read(touch(from.write(), step));
  }
  return { joiner: joiner.finish(), adder: adder.finish() };
}

describe('joining', () => {
  it.each([
    [node, node],
    [node, web],
    [web, node],
    [web, web],
  ])('gives both sides one safety number, the other introduction and a channel', (a, b) => {
    const { joiner, adder } = run(side('joiner', 's', 'code', a), side('adder', 's', 'code', b));
    expect(joiner.safetyNumber).toBe(adder.safetyNumber);
    expect(joiner.safetyNumber).toMatch(/^(\d{5} ){5}\d{5}$/);
    expect(joiner.peerIntroduction).toEqual(text('I am the adder'));
    expect(adder.peerIntroduction).toEqual(text('I am the joiner'));
    expect(adder.channel.open(joiner.channel.seal(text('yes')))).toEqual(text('yes'));
    expect(joiner.channel.open(adder.channel.seal(text('yes')))).toEqual(text('yes'));
  });

  it('gives another number every time', () => {
    const numbers = ['1', '2', '3'].map((seed) => run(side('joiner', seed), side('adder', seed)).joiner.safetyNumber);
    expect(new Set(numbers).size).toBe(3);
  });

  it('fails with another code', () => {
    expect(codeOf(() => run(side('joiner', 's', 'wrong'), side('adder')))).toBe('session.bad_handshake');
  });

  it('shows different numbers when somebody with the code stands between', () => {
    const [joiner, adder] = [side('joiner'), side('adder')];
    const toJoiner = side('adder', 'mallory');
    const toAdder = side('joiner', 'mallory');
    const left = run(joiner, toJoiner);
    const right = run(toAdder, adder);
    expect(left.joiner.safetyNumber).not.toBe(right.adder.safetyNumber);
  });

  /** Somebody who has the code and answers with a commitment of their choice. */
  function liar(joiner: Joining, commitment: Uint8Array): Channel {
    const secret = newCodeSecret(seeded('code'));
    const noise = new HandshakeState({
      crypto: node!,
      protocol: joinProtocol,
      role: 'responder',
      prologue: joinPrologue(secret, node!),
      random: seeded('liar'),
      psks: [joinKey(secret, node!)],
    });
    noise.read(joiner.write());
    joiner.read(noise.write(commitment));
    const channel = new Channel(noise.finish(), () => 0);
    channel.open(joiner.write());
    return channel;
  }

  it('refuses an introduction that was not committed to', () => {
    const shown = text('shown');
    const honest = side('joiner');
    honest.read(liar(honest, commitmentTo(node!, 'adder', shown)).seal(shown));
    expect(honest.finish().peerIntroduction).toEqual(shown);
    for (const commitment of [
      commitmentTo(node!, 'adder', text('something else')),
      commitmentTo(node!, 'joiner', shown),
    ]) {
      const joiner = side('joiner');
      const channel = liar(joiner, commitment);
      expect(codeOf(() => joiner.read(channel.seal(shown)))).toBe('session.bad_handshake');
      expect(codeOf(() => joiner.finish())).toBe('session.bad_handshake');
    }
    const large = new Uint8Array(maxIntroductionBytes + 1);
    const flooded = side('joiner');
    const flood = liar(flooded, commitmentTo(node!, 'adder', large));
    expect(codeOf(() => flooded.read(flood.seal(large)))).toBe('session.bad_handshake');
    for (const length of [0, 31, 33])
      expect(codeOf(() => liar(side('joiner'), new Uint8Array(length)))).toBe('session.bad_handshake');
  });

  it.each([0, 1, 2, 3])('ends when message %i is altered', (step) => {
    for (const at of [0, 31, 40, 1100, -1]) {
      const code = codeOf(() =>
        run(side('joiner'), side('adder'), (message, s) =>
          s === step ? flipped(message, at < 0 ? message.length - 1 : at) : message,
        ),
      );
      expect(code).toMatch(/^session\.bad_(handshake|record)$/);
    }
  });

  it('goes in turn, and ends after a failure', () => {
    const [joiner, adder] = [side('joiner'), side('adder')];
    expect(codeOf(() => adder.write())).toBe('session.bad_handshake');
    expect(codeOf(() => joiner.read(text('x')))).toBe('session.bad_handshake');
    expect(codeOf(() => joiner.finish())).toBe('session.bad_handshake');
    const first = joiner.write();
    expect(codeOf(() => adder.read(text('x')))).toBe('session.bad_handshake');
    expect(codeOf(() => adder.read(first))).toBe('session.bad_handshake');
  });

  it('refuses introductions over 16 KiB', () => {
    expect(
      codeOf(() =>
        startJoining({
          role: 'adder',
          secret: newCodeSecret(seeded('code')),
          introduction: new Uint8Array(16 * 1024 + 1),
          random: seeded('x'),
          clock: () => 0,
        }),
      ),
    ).toBe('session.too_large');
  });
});
