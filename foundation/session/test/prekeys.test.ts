import { Secret } from '@caponier/crypto';
import { crypto as node } from '@caponier/crypto/node';
import { seedSigner, sign, verifyStatement } from '@caponier/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptMail, bundleFromMembers, bundleToMembers, Prekeys, startMail } from '../src/index.ts';
import { bundleId } from '../src/mail/bundle.ts';
import { maxOneTimeKeys, maxRemembered } from '../src/mail/limits.ts';
import { boxPair, codeOf, seeded, text } from './support.ts';

const random = seeded('prekeys');
const box = boxPair('bob').publicKey;
const digest = (n: number) => node.sha256(text(String(n)));

describe('prekeys', () => {
  it('travel as a signed statement', async () => {
    const signer = seedSigner(Secret.from(new Uint8Array(32).fill(3)));
    const { bundles } = Prekeys.create(random).addOneTime(box, 1, random);
    for (const bundle of [bundles[0]!, Prekeys.create(random).lastResort(box)]) {
      const jws = await sign(signer, 'prekeys', {
        aud: 'any',
        ...bundleToMembers(bundle),
        iat: 1_700_000_000,
        nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
      });
      const { payload } = verifyStatement(jws, 'prekeys');
      expect(bundleFromMembers(payload)).toEqual(bundle);
      expect(bundleToMembers(bundleFromMembers(payload))).toEqual(bundleToMembers(bundle));
    }
  });

  it('are refused when malformed', () => {
    const members = bundleToMembers(Prekeys.create(random).lastResort(box));
    for (const changed of [
      { versions: [] },
      { versions: [2, 1] },
      { versions: [1, 1] },
      { prekey: 'AA' },
      { prekey: `${members.prekey}=` },
      { kem: members.prekey },
      { oneTime: '' },
      { box: 'did:key:zNobody' as typeof members.box },
    ])
      expect(codeOf(() => bundleFromMembers({ ...members, ...changed }))).toBe('mail.bad_prekeys');
  });

  it('keep at most so many one-time keys, the newest', () => {
    const first = Prekeys.create(random).addOneTime(box, 3, random);
    const full = first.prekeys.addOneTime(box, maxOneTimeKeys - 1, random);
    expect(full.prekeys.oneTimeCount).toBe(maxOneTimeKeys);
    expect(codeOf(() => full.prekeys.find(bundleId(node, first.bundles[1]!), digest(0)))).toBe('mail.unknown_prekeys');
    expect(codeOf(() => full.prekeys.find(bundleId(node, first.bundles[2]!), digest(0)))).toBe('nothing thrown');
    expect(codeOf(() => full.prekeys.addOneTime(box, maxOneTimeKeys + 1, random))).toBe('session.too_large');
  });

  it('outlive one replacement, not two', () => {
    const { prekeys, bundles } = Prekeys.create(random).addOneTime(box, 1, random);
    const ids = [bundles[0]!, prekeys.lastResort(box)].map((bundle) => bundleId(node, bundle));
    const once = prekeys.rotate(random);
    const twice = once.rotate(random);
    for (const id of ids) {
      expect(once.find(id, digest(1)).prekey.publicKey).toEqual(bundles[0]!.prekey);
      expect(codeOf(() => twice.find(id, digest(1)))).toBe('mail.unknown_prekeys');
    }
    expect(twice.oneTimeCount).toBe(0);
  });

  it('remember first messages under last-resort keys, and stop when the memory is full', () => {
    let prekeys = Prekeys.create(random);
    const id = bundleId(node, prekeys.lastResort(box));
    for (let n = 0; n < maxRemembered; n++) {
      expect(prekeys.shouldRotate).toBe(n >= maxRemembered / 2);
      prekeys = prekeys.spend(id, digest(n));
    }
    prekeys = Prekeys.fromBytes(prekeys.toBytes());
    expect(codeOf(() => prekeys.find(id, digest(5)))).toBe('mail.replayed');
    expect(codeOf(() => prekeys.find(id, digest(-1)))).toBe('mail.unknown_prekeys');
    expect(prekeys.rotate(random).shouldRotate).toBe(false);
  });

  it('are not spent by a message that does not decrypt', () => {
    const bob = { device: 'did:key:zBob', box: boxPair('bob') };
    const alice = { device: 'did:key:zAlice', box: boxPair('alice') };
    const { prekeys, bundles } = Prekeys.create(random).addOneTime(box, 1, random);
    const session = startMail({ self: alice, peer: { device: bob.device, boxKey: box }, bundle: bundles[0]!, random });
    const { message } = session.encrypt(text('x'), random);
    message[message.length - 1]! ^= 1;
    const peer = { device: alice.device, boxKey: alice.box.publicKey };
    expect(codeOf(() => acceptMail({ self: bob, peer, prekeys, message }))).toBe('mail.bad_message');
    expect(prekeys.oneTimeCount).toBe(1);
  });

  it('have one stored spelling', () => {
    const made = Prekeys.create(random).addOneTime(box, 2, random).prekeys.rotate(random);
    const prekeys = made.addOneTime(box, 1, random).prekeys.spend(bundleId(node, made.lastResort(box)), digest(1));
    const bytes = prekeys.toBytes().expose();
    expect(Prekeys.fromBytes(Secret.from(bytes.slice())).toBytes().expose()).toEqual(bytes);
    expect(JSON.stringify(prekeys)).toBe('{}');
    fc.assert(
      fc.property(fc.nat(bytes.length), fc.nat(255), fc.boolean(), (at, value, cut) => {
        const changed = cut ? bytes.slice(0, at) : bytes.slice();
        if (!cut) changed[at % changed.length] = value;
        let read: Prekeys;
        try {
          read = Prekeys.fromBytes(Secret.from(changed.slice()));
        } catch (error) {
          expect((error as { code: string }).code).toBe('session.bad_state');
          return;
        }
        expect(read.toBytes().expose()).toEqual(changed);
      }),
      { numRuns: 300 },
    );
  });
});
