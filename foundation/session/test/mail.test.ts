import { type Crypto, Secret } from '@caponier/crypto';
import { crypto as node } from '@caponier/crypto/node';
import { crypto as web } from '@caponier/crypto/web';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  acceptMail,
  beginsSession,
  type MailPeer,
  type MailSelf,
  MailSession,
  type PrekeyBundle,
  Prekeys,
  startMail,
} from '../src/index.ts';
import { maxEarlierChains, maxJump, maxMailPlaintext, maxSkippedKeys } from '../src/mail/limits.ts';
import { decodeState, encodeState, type MailState } from '../src/mail/state.ts';
import { backends, boxPair, codeOf, flipped, seeded, text } from './support.ts';

const alice: MailSelf = { device: 'did:key:zAlice', box: boxPair('alice') };
const bob: MailSelf = { device: 'did:key:zBob', box: boxPair('bob') };
const asPeer = ({ device, box }: MailSelf): MailPeer => ({ device, boxKey: box.publicKey });
const random = seeded('mail');

/** One end as a device keeps it: a session, prekeys for whoever writes first, and what was read. */
class End {
  session: MailSession | null = null;
  prekeys: Prekeys;
  readonly self: MailSelf;
  readonly peer: MailPeer;
  readonly crypto: Crypto;

  constructor(self: MailSelf, peer: MailSelf, crypto: Crypto = node) {
    this.self = self;
    this.peer = asPeer(peer);
    this.crypto = crypto;
    this.prekeys = Prekeys.create(random, crypto);
  }

  start(bundle: PrekeyBundle): void {
    const { self, peer, crypto } = this;
    this.session = startMail({ self, peer, bundle, random, crypto });
  }

  send(plaintext: Uint8Array): Uint8Array {
    const { session, message } = this.session!.encrypt(plaintext, random);
    this.session = session;
    return message;
  }

  read(message: Uint8Array): Uint8Array {
    if (!this.session) {
      const { self, peer, prekeys, crypto } = this;
      const accepted = acceptMail({ self, peer, prekeys, message, crypto });
      this.session = accepted.session;
      this.prekeys = accepted.prekeys;
      return accepted.plaintext;
    }
    const { session, plaintext } = this.session.decrypt(message);
    this.session = session;
    return plaintext;
  }

  /** As after a restart. */
  restore(): void {
    this.session = this.session && MailSession.fromBytes(this.session.toBytes(), this.crypto);
    this.prekeys = Prekeys.fromBytes(this.prekeys.toBytes(), this.crypto);
  }
}

function ends(oneTime = true, a: Crypto = node, b: Crypto = node): [End, End] {
  const [left, right] = [new End(alice, bob, a), new End(bob, alice, b)];
  if (oneTime) {
    const { prekeys, bundles } = right.prekeys.addOneTime(bob.box.publicKey, 1, random);
    right.prekeys = prekeys;
    left.start(bundles[0]!);
  } else {
    left.start(right.prekeys.lastResort(bob.box.publicKey));
  }
  return [left, right];
}

/** Both have read and answered: ordinary mail from here. */
function met(): [End, End] {
  const [a, b] = ends();
  b.read(a.send(text('hello')));
  a.read(b.send(text('hello back')));
  return [a, b];
}

describe.each(backends)('a session, $backend backend', (crypto) => {
  it.each([true, false])('begins, turns and goes on (one-time keys: %s)', (oneTime) => {
    const [a, b] = ends(oneTime, crypto, crypto);
    expect(a.session!.awaitsAnswer).toBe(true);
    expect(a.session!.lastResort).toBe(!oneTime);
    const first = a.send(text('1'));
    expect(beginsSession(first)).toBe(true);
    expect(b.read(first)).toEqual(text('1'));
    expect(b.session!.lastResort).toBe(!oneTime);
    expect(a.session!.id).toEqual(b.session!.id);
    expect(b.prekeys.oneTimeCount).toBe(0);
    expect(a.read(b.send(text('2')))).toEqual(text('2'));
    expect(a.session!.awaitsAnswer || a.session!.lastResort).toBe(false);
    const third = a.send(text('3'));
    expect(beginsSession(third)).toBe(false);
    expect(b.read(third)).toEqual(text('3'));
    expect(b.session!.lastResort).toBe(false);
    expect(b.session!.version).toBe(1);
  });
});

it('works between the two backends, both ways', () => {
  for (const [x, y] of [
    [node, web],
    [web, node],
  ] as const) {
    const [a, b] = ends(true, x, y);
    for (let i = 0; i < 3; i++) {
      expect(b.read(a.send(text(`a${i}`)))).toEqual(text(`a${i}`));
      expect(a.read(b.send(text(`b${i}`)))).toEqual(text(`b${i}`));
    }
  }
});

describe('lost mail never wedges', () => {
  it('the last of a chain', () => {
    const [a, b] = met();
    for (let turn = 0; turn < 5; turn++) {
      b.read(a.send(text('read')));
      a.send(text('the last of this chain, lost'));
      expect(a.read(b.send(text('answer')))).toEqual(text('answer'));
      expect(b.read(a.send(text('the next chain')))).toEqual(text('the next chain'));
      a.read(b.send(text('another answer')));
    }
  });

  it('the last of a chain, arriving much later after all', () => {
    const [a, b] = met();
    b.read(a.send(text('read')));
    const late = a.send(text('late'));
    for (let turn = 0; turn < 3; turn++) {
      a.read(b.send(text('x')));
      b.read(a.send(text('y')));
    }
    expect(b.read(late)).toEqual(text('late'));
    expect(codeOf(() => b.read(late))).toBe('mail.replayed');
  });

  it('a whole chain, and the first mails of a session', () => {
    const [a, b] = ends();
    a.send(text('lost'));
    a.send(text('lost'));
    expect(b.read(a.send(text('third')))).toEqual(text('third'));
    b.send(text('lost'));
    expect(a.read(b.send(text('read')))).toEqual(text('read'));
    a.send(text('the only one of its chain, lost'));
    expect(a.read(b.send(text('more')))).toEqual(text('more'));
    expect(b.read(a.send(text('still there')))).toEqual(text('still there'));
  });

  it('a gap as large as is allowed, of which the newest keys are kept', () => {
    const [a, b] = met();
    const lost = Array.from({ length: maxJump }, (_, i) => a.send(text(String(i))));
    expect(b.read(a.send(text('after')))).toEqual(text('after'));
    expect(b.read(lost.at(-1)!)).toEqual(text(String(maxJump - 1)));
    expect(b.read(lost[maxJump - maxSkippedKeys]!)).toEqual(text(String(maxJump - maxSkippedKeys)));
    expect(codeOf(() => b.read(lost[maxJump - maxSkippedKeys - 1]!))).toBe('mail.too_many_skipped');
    expect(b.session!.toBytes().length).toBeLessThan(32 * 1024);
    b.restore();
    expect(b.read(a.send(text('on')))).toEqual(text('on'));
  });

  it('a gap larger than that waits for the next turn, and is then given up', () => {
    const [a, b] = met();
    const early = a.send(text('kept'));
    b.read(a.send(text('read')));
    for (let i = 0; i <= maxJump; i++) a.send(text('lost'));
    expect(codeOf(() => b.read(a.send(text('too far'))))).toBe('mail.too_many_skipped');
    a.read(b.send(text('turn')));
    expect(b.read(a.send(text('here we go')))).toEqual(text('here we go'));
    expect(b.read(early)).toEqual(text('kept'));
    a.read(b.send(text('turn')));
    expect(b.read(a.send(text('and on')))).toEqual(text('and on'));
  });

  it('keys of many chains stay bounded', () => {
    const [a, b] = met();
    for (let turn = 0; turn < maxEarlierChains + 4; turn++) {
      for (let i = 0; i < 60; i++) a.send(text('lost'));
      b.read(a.send(text('read')));
      a.read(b.send(text('turn')));
    }
    b.restore();
    expect(b.session!.toBytes().length).toBeLessThan(24 * 1024);
    expect(b.read(a.send(text('on')))).toEqual(text('on'));
  });
});

describe('any order, loss and repetition', () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const), from: fc.nat(1) }) },
    { weight: 5, arbitrary: fc.record({ do: fc.constant('deliver' as const), which: fc.nat(100) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('newest' as const), from: fc.nat(1) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('alter' as const), which: fc.nat(100), at: fc.nat(5000) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const), which: fc.nat(100), at: fc.nat(5000) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restore' as const), from: fc.nat(1) }) },
  );

  it('each mail is read exactly once, an altered one never', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { minLength: 5, maxLength: 60 }), (oneTime, steps) => {
        const both = ends(oneTime);
        const mail: { from: number; message: Uint8Array; plaintext: Uint8Array; read: boolean }[] = [];
        const deliver = (item: (typeof mail)[number] | undefined) => {
          if (!item) return;
          const to = both[1 - item.from]!;
          if (item.read) {
            expect(codeOf(() => to.read(item.message))).toBe('mail.replayed');
          } else {
            expect(to.read(item.message)).toEqual(item.plaintext);
            item.read = true;
          }
        };
        for (const s of steps) {
          if (s.do === 'send') {
            const from = both[s.from]!;
            if (!from.session) continue;
            const plaintext = text(`${s.from} ${mail.length}`);
            mail.push({ from: s.from, plaintext, message: from.send(plaintext), read: false });
          } else if (s.do === 'deliver') {
            deliver(mail[s.which % Math.max(mail.length, 1)]);
          } else if (s.do === 'newest') {
            deliver(mail.findLast((item) => item.from === s.from));
          } else if (s.do === 'restore') {
            both[s.from]!.restore();
          } else {
            const item = mail[s.which % Math.max(mail.length, 1)];
            if (!item) continue;
            const to = both[1 - item.from]!;
            const bad =
              s.do === 'alter' ? flipped(item.message, s.at) : item.message.slice(0, s.at % item.message.length);
            const before = to.session?.toBytes().expose();
            expect(codeOf(() => to.read(bad))).toMatch(/^(mail|session|crypto)\./);
            expect(to.session?.toBytes().expose()).toEqual(before);
          }
        }
        for (const item of mail) deliver(item);
        // And nothing has wedged.
        if (!both[1].session) both[1].read(both[0].send(text('first')));
        expect(both[0].read(both[1].send(text('x')))).toEqual(text('x'));
        expect(both[1].read(both[0].send(text('y')))).toEqual(text('y'));
      }),
      { numRuns: 120 },
    );
  });
});

describe('what is refused', () => {
  it('leaves the session as it was', () => {
    const [a, b] = met();
    const message = a.send(text('good'));
    const before = b.session!.toBytes().expose();
    for (let at = 0; at < message.length; at++)
      expect(codeOf(() => b.read(flipped(message, at)))).not.toBe('nothing thrown');
    expect(b.session!.toBytes().expose()).toEqual(before);
    expect(b.read(message)).toEqual(text('good'));
  });

  it('a first message with anything altered, and then the true one is read', () => {
    const [a, b] = ends();
    const message = a.send(text('first'));
    for (let at = 0; at < message.length; at += 7)
      expect(codeOf(() => b.read(flipped(message, at)))).toMatch(/^(mail\.|session\.bad_version|crypto\.weak_point)/);
    expect(b.session).toBeNull();
    expect(b.read(message)).toEqual(text('first'));
  });

  it('a first message stripped of its beginning', () => {
    const [a, b] = ends();
    b.read(a.send(text('first')));
    const second = a.send(text('second'));
    const stripped = Uint8Array.of(2, 1, ...second.subarray(2 + 1152));
    expect(codeOf(() => b.read(stripped))).toBe('mail.bad_message');
    expect(b.read(second)).toEqual(text('second'));
  });

  it('a first message repeated after its session is gone', () => {
    for (const [oneTime, code] of [
      [true, 'mail.unknown_prekeys'],
      [false, 'mail.replayed'],
    ] as const) {
      const [a, b] = ends(oneTime);
      const message = a.send(text('first'));
      b.read(message);
      b.session = null;
      b.restore();
      expect(codeOf(() => b.read(message))).toBe(code);
      b.prekeys = b.prekeys.rotate(random);
      expect(codeOf(() => b.read(message))).toBe(code);
      b.prekeys = b.prekeys.rotate(random);
      expect(codeOf(() => b.read(message))).toBe('mail.unknown_prekeys');
    }
  });

  it('mail shown as from, or meant for, another device', () => {
    const [a, b] = ends(false);
    const message = a.send(text('first'));
    const { self, prekeys } = b;
    const accept = (changed: { self?: MailSelf; peer?: MailPeer }) =>
      codeOf(() => acceptMail({ self, peer: asPeer(alice), prekeys, message, ...changed }));
    expect(accept({ peer: { ...asPeer(alice), device: 'did:key:zEve' } })).toBe('mail.bad_message');
    expect(accept({ peer: { ...asPeer(alice), boxKey: boxPair('eve').publicKey } })).toBe('mail.bad_message');
    expect(accept({ self: { ...bob, device: 'did:key:zEve' } })).toBe('mail.bad_message');
    expect(accept({})).toBe('nothing thrown');
  });

  it('mail returned to its sender, and mail of another session', () => {
    const [a, b] = met();
    const [, d] = met();
    const message = a.send(text('mine'));
    expect(codeOf(() => a.read(message))).toBe('mail.bad_message');
    expect(codeOf(() => d.read(message))).toBe('mail.bad_message');
    expect(b.read(message)).toEqual(text('mine'));
  });

  it('another version than the pinned one, and an offer without a common one', () => {
    const [a, b] = met();
    const message = a.send(text('x'));
    message[1] = 2;
    expect(codeOf(() => b.read(message))).toBe('session.bad_version');
    const [c, d] = ends();
    const first = c.send(text('x'));
    first[1] = 2;
    expect(codeOf(() => d.read(first))).toBe('session.bad_version');
    const bundle = { ...d.prekeys.lastResort(bob.box.publicKey), versions: [7] };
    expect(codeOf(() => c.start(bundle))).toBe('session.bad_version');
  });

  it('an offer from which a version was taken away', () => {
    const [a, b] = ends();
    a.start({ ...b.prekeys.lastResort(bob.box.publicKey), versions: [1, 2] });
    expect(codeOf(() => b.read(a.send(text('x'))))).toBe('mail.unknown_prekeys');
  });

  it('keys of small order, wherever they stand', () => {
    const [a, b] = ends();
    const bundle = b.prekeys.addOneTime(bob.box.publicKey, 1, random).bundles[0]!;
    const identity = new Uint8Array(32);
    const one = new Uint8Array(32).fill(1, 0, 1);
    for (const low of [identity, one]) {
      for (const member of ['prekey', 'oneTime'] as const)
        expect(codeOf(() => a.start({ ...bundle, [member]: low }))).toBe('crypto.weak_point');
      expect(
        codeOf(() =>
          startMail({ self: alice, peer: { ...asPeer(bob), boxKey: low }, bundle: { ...bundle, box: low }, random }),
        ),
      ).toBe('crypto.weak_point');
      const message = a.send(text('x'));
      message.set(low, 2);
      expect(codeOf(() => b.read(message))).toBe('crypto.weak_point');
    }
    expect(codeOf(() => a.start({ ...bundle, box: boxPair('eve').publicKey }))).toBe('mail.bad_prekeys');
    expect(codeOf(() => a.start({ ...bundle, kem: new Uint8Array(1184).fill(0xff) }))).toBe('crypto.bad_key');
  });

  it('more plaintext than a relay carries', () => {
    const [a, b] = ends();
    expect(codeOf(() => a.send(new Uint8Array(maxMailPlaintext + 1)))).toBe('session.too_large');
    const largest = a.send(new Uint8Array(maxMailPlaintext));
    expect(largest.length).toBeLessThan(256 * 1024 - 64);
    expect(b.read(largest)).toHaveLength(maxMailPlaintext);
  });
});

describe('a hostile peer', () => {
  /** Somebody with all keys of a session, who changes its state at will. */
  const twist = (end: End, change: (state: MailState) => Partial<MailState>) => {
    const state = decodeState(end.session!.toBytes());
    end.session = MailSession.fromBytes(encodeState({ ...state, ...change(state) }));
  };

  it('cannot take two turns in a row', () => {
    const [a, b] = ends();
    b.read(a.send(text('first')));
    twist(a, () => ({ sending: null }));
    expect(codeOf(() => b.read(a.send(text('again'))))).toBe('mail.bad_message');
  });

  it('cannot end a chain before what was read of it, nor one that never was', () => {
    const [a, b] = met();
    for (const n of [1, 2, 3]) b.read(a.send(text(String(n))));
    a.read(b.send(text('turn')));
    twist(a, () => ({ previousLength: 2 }));
    expect(codeOf(() => b.read(a.send(text('x'))))).toBe('mail.bad_message');
    const [c, d] = ends();
    twist(c, () => ({ previousLength: 1 }));
    expect(codeOf(() => d.read(c.send(text('x'))))).toBe('mail.bad_message');
  });

  it('cannot make a chain run over', () => {
    const [a, b] = met();
    a.send(text('x'));
    twist(a, ({ sending }) => ({ sending: { ...sending!, n: 0xffff_ffff } }));
    expect(codeOf(() => a.send(text('x')))).toBe('session.closed');
    twist(a, ({ sending }) => ({ sending: { ...sending!, n: 0xffff_fffe } }));
    expect(codeOf(() => b.read(a.send(text('x'))))).toBe('mail.too_many_skipped');
  });
});

describe('states', () => {
  it('have one spelling, and damage is noticed or harmless', () => {
    const [a, b] = met();
    const gaps = Array.from({ length: 5 }, () => a.send(text('gap')));
    b.read(gaps[4]!);
    a.read(b.send(text('t')));
    a.send(text('gap'));
    b.read(a.send(text('u')));
    const bytes = b.session!.toBytes();
    expect(MailSession.fromBytes(bytes).toBytes().expose()).toEqual(bytes.expose());
    expect(`${b.session!.toBytes()} ${JSON.stringify(b.session)}`).toBe('[secret] {}');
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(255), fc.boolean(), (at, value, cut) => {
        const changed = cut ? bytes.expose().slice(0, at) : bytes.expose().slice();
        if (!cut) changed[at % changed.length] = value;
        let session: MailSession;
        try {
          session = MailSession.fromBytes(Secret.from(changed.slice()));
        } catch (error) {
          expect((error as { code: string }).code).toMatch(/^session\.bad_(state|version)$/);
          return;
        }
        expect(session.toBytes().expose()).toEqual(changed);
      }),
      { numRuns: 400 },
    );
  });
});

describe('hostile bytes', () => {
  it('are refused with a code by every reader', () => {
    const [, b] = met();
    const fresh = new End(bob, alice);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), fc.nat(2), (junk, type) => {
        const message = Uint8Array.of(type, 1, ...junk);
        expect(codeOf(() => b.read(message))).toBe('mail.bad_message');
        expect(codeOf(() => fresh.read(message))).toMatch(/^mail\.(bad_message|unknown_prekeys)$/);
      }),
      { numRuns: 200 },
    );
  });
});
