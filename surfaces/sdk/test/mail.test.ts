import { utf8 } from '@caponier/crypto';
import { fail, sign } from '@caponier/protocol';
import { bundleToMembers, Prekeys } from '@caponier/session';
import { seededRandom } from '@caponier/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeEnvelope, openEnvelope } from '../src/mail/form.ts';
import { outPrefix } from '../src/mail/keys.ts';
import type { Letter } from '../src/mail/types.ts';
import { ann, ben, clock, deliver, eve, open, pair, texts, world } from './mail-sides.ts';

const nonce = 'AAAAAAAAAAAAAAAAAAAAAA';

describe('what is inside a mail', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 200 });
  const agent = fc.constantFrom(null, 'claude@box', 'a.b@c');

  test('parses to what was encoded, and encodes to the same bytes', () => {
    fc.assert(
      fc.property(text, agent, agent, fc.nat(), (words, from, to, sentAt) => {
        const envelope = { id: nonce, from, to, sentAt, content: { type: 'text' as const, text: words } };
        const bytes = encodeEnvelope(envelope);
        expect(openEnvelope(bytes)).toMatchObject(envelope);
        expect(encodeEnvelope(openEnvelope(bytes))).toEqual(bytes);
      }),
    );
  });

  test('is refused, coded, for anything else', () => {
    const good = encodeEnvelope({ id: nonce, from: null, to: null, sentAt: 1, content: { type: 'text', text: 'x' } });
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = good.slice();
        bytes[at]! ^= change;
        try {
          expect(encodeEnvelope(openEnvelope(bytes))).toEqual(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: 'mail.bad_message' });
        }
      }),
    );
    for (const bytes of [utf8(''), utf8('null'), utf8('{"v":2}'), utf8(' {}'), new Uint8Array([0xff])])
      expect(() => openEnvelope(bytes)).toThrow(expect.objectContaining({ code: 'mail.bad_message' }));
    const both = utf8(`${new TextDecoder().decode(good).slice(0, -1)},"extra":1}`);
    expect(() => openEnvelope(both)).toThrow(expect.objectContaining({ code: 'mail.bad_message' }));
  });
});

describe('mail of a device', () => {
  test('arrives once, however often the relay gives it out', async () => {
    const { from, to } = await pair();
    await (await from.mail.send({ to: 'ben', text: 'hello' })).accepted;
    const heard: Letter[] = [];
    to.mail.onMail((letter) => heard.push(letter));
    const [mail] = from.relay.sent;
    await deliver(to, ann, mail!);
    await deliver(to, ann, mail!);
    expect(heard.map(({ text, from: who }) => [who, text])).toEqual([['ann', 'hello']]);
    expect(await texts(to)).toEqual(['hello']);
  });

  test('survives a restart of the sender between writing and sending, sealed once and in order', async () => {
    const { from, to } = await pair();
    from.relay.refusals = ['relay.unavailable'];
    from.relay.state = 'connecting';
    await from.mail.send({ to: 'ben', text: 'one' });
    await from.mail.send({ to: 'ben', text: 'two' });
    await from.mail.close();
    expect(await from.store.list(outPrefix)).toHaveLength(2);
    const again = open(ann, from.store, seededRandom('after the restart'));
    again.relay.prekeys = from.relay.prekeys;
    // The first try is refused after sealing: the same bytes go out the next time.
    again.relay.refusals = ['relay.unavailable'];
    await again.mail.start();
    await expect.poll(() => again.relay.sent.length).toBe(2);
    for (const mail of again.relay.sent) await deliver(to, ann, mail);
    expect(await texts(to)).toEqual(['one', 'two']);
    expect(await again.store.list(outPrefix)).toEqual([]);
  });

  test('is not acknowledged before it is stored', async () => {
    const { from, to } = await pair();
    await (await from.mail.send({ to: 'ben', text: 'kept?' })).accepted;
    const { put } = to.store;
    to.store.put = async () => {
      throw fail('store.unavailable');
    };
    await expect(deliver(to, ann, from.relay.sent[0]!)).rejects.toMatchObject({ code: 'store.unavailable' });
    to.store.put = put;
    await deliver(to, ann, from.relay.sent[0]!);
    expect(await texts(to)).toEqual(['kept?']);
  });

  test('begins at both ends at once, and both are read', async () => {
    const { from, to } = await pair();
    to.relay.prekeys = () => from.relay.offered.at(-1) ?? null;
    await from.mail.reachable;
    await (await from.mail.send({ to: 'ben', text: 'from ann' })).accepted;
    await (await to.mail.send({ to: 'ann', text: 'from ben' })).accepted;
    await deliver(to, ann, from.relay.sent[0]!);
    await deliver(from, ben, to.relay.sent[0]!);
    await (await from.mail.send({ to: 'ben', text: 'again' })).accepted;
    await deliver(to, ann, from.relay.sent[1]!);
    expect(await texts(to)).toEqual(['from ann', 'again']);
    expect(await texts(from)).toEqual(['from ben']);
  });

  test('prekeys by another key than the recipient’s, or with another box, begin nothing', async () => {
    const { from } = await pair();
    const bundle = Prekeys.create(seededRandom('eve')).lastResort(eve.box.publicKey);
    const shown = { aud: 'any' as const, ...bundleToMembers(bundle), iat: clock.seconds(), nonce };
    const byEve = await sign(eve.signer, 'prekeys', shown);
    const byBenWithEvesBox = await sign(ben.signer, 'prekeys', shown);
    for (const lie of [byEve, byBenWithEvesBox, 'no.statement.atall']) {
      from.relay.prekeys = () => lie;
      from.troubles.length = 0;
      const { accepted } = await from.mail.send({ to: 'ben', text: 'secret' });
      await expect.poll(() => from.troubles).toContain('mail.send mail.bad_prekeys');
      accepted.catch(() => {});
    }
    expect(from.relay.sent).toEqual([]);
    await from.mail.close();
  });

  test('keys are offered once, and more only when they run low', async () => {
    const { from, to } = await pair();
    expect(to.relay.offered).toHaveLength(51);
    await (await from.mail.send({ to: 'ben', text: 'hello' })).accepted;
    await deliver(to, ann, from.relay.sent[0]!);
    await to.mail.reachable;
    expect(to.relay.offered).toHaveLength(51);
    for (const tell of to.relay.listeners) tell('connected');
    await to.mail.reachable;
    expect(to.relay.offered).toHaveLength(102);
  });

  test('of a stranger is dropped; while the view is old it waits', async () => {
    const { from, to } = await pair();
    await (await from.mail.send({ to: 'ben', text: 'hello' })).accepted;
    const [mail] = from.relay.sent;
    await deliver(to, eve, mail!);
    expect(to.troubles).toContain('mail.receive mail.not_allowed');
    world.stale = true;
    await expect(deliver(to, ann, mail!)).rejects.toMatchObject({ code: 'owner.stale_view' });
    world.stale = false;
    await deliver(to, ann, mail!);
    expect(await texts(to)).toEqual(['hello']);
  });

  test('to a device that was revoked meanwhile is given up', async () => {
    const { from } = await pair();
    from.relay.refusals = Array.from({ length: 50 }, () => 'relay.not_reachable');
    const { accepted } = await from.mail.send({ to: 'ben', text: 'too late' });
    world.gone.add(ben.did);
    await expect(accepted).rejects.toMatchObject({ code: 'mail.no_recipient' });
    world.gone.clear();
    expect(await from.mail.waiting()).toBe(0);
  });

  test('altered on the way is dropped and named', async () => {
    const { from, to } = await pair();
    await (await from.mail.send({ to: 'ben', text: 'hello' })).accepted;
    const mail = { ...from.relay.sent[0]!, body: from.relay.sent[0]!.body.slice() };
    mail.body[mail.body.length - 1]! ^= 1;
    await deliver(to, ann, mail);
    expect(to.troubles.some((trouble) => trouble.startsWith('mail.receive mail.'))).toBe(true);
    expect(await texts(to)).toEqual([]);
    await deliver(to, ann, from.relay.sent[0]!);
    expect(await texts(to)).toEqual(['hello']);
  });

  test('in the name of another device’s agent is dropped', async () => {
    const { from, to } = await pair();
    await (await from.mail.send({ to: 'ben', text: 'hello', fromAgent: 'claude@box' })).accepted;
    await deliver(to, ann, from.relay.sent[0]!);
    expect(to.troubles).toContain('mail.receive mail.bad_message');
    expect(await texts(to)).toEqual([]);
  });

  test('to an agent of this very device needs no relay', async () => {
    const { from } = await pair();
    await from.mail.send({ to: 'codex@ann', text: 'psst', fromAgent: 'claude@ann' });
    expect(await from.mail.list()).toMatchObject([{ from: 'claude@ann', toAgent: 'codex@ann', text: 'psst' }]);
    expect(from.relay.sent).toEqual([]);
  });

  test('to nobody is refused at once', async () => {
    const { from } = await pair();
    for (const to of ['carol', 'ben/phone', '', 'a b', '@ben', 'x@carol'])
      await expect(from.mail.send({ to, text: '?' })).rejects.toMatchObject({ code: 'mail.no_recipient' });
  });

  test('of somebody blocked is dropped, whatever the relay made of the block', async () => {
    const { from, to } = await pair();
    to.blocked.add(ann.did);
    await (await from.mail.send({ to: 'ben', text: 'hello' })).accepted;
    await deliver(to, ann, from.relay.sent[0]!);
    expect(to.troubles).toEqual(['mail.receive mail.not_allowed']);
    expect(await texts(to)).toEqual([]);
  });

  test('is not tried again before the relay said so', async () => {
    const { from } = await pair();
    from.relay.refusals = [
      { code: 'relay.mailbox_full', retry: 30 },
      { code: 'relay.storage_full', retry: 15 },
    ];
    await (await from.mail.send({ to: 'ben', text: 'patience' })).accepted;
    const long = from.waits.filter((ms) => ms >= 10_000);
    expect(long).toHaveLength(2);
    expect(long[0]).toBeGreaterThanOrEqual(30_000);
    expect(long[0]).toBeLessThan(40_000);
    expect(long[1]).toBeGreaterThanOrEqual(15_000);
    expect(from.relay.sent).toHaveLength(1);
  });

  test('says how long it may wait, less what it waited here; and is given up after that', async () => {
    const { from } = await pair();
    await (await from.mail.send({ to: 'ben', text: 'any time' })).accepted;
    from.relay.state = 'connecting';
    const { accepted } = await from.mail.send({ to: 'ben', text: 'today', seconds: 86_400 });
    clock.advance(3_600);
    from.relay.state = 'connected';
    await accepted;
    expect(from.relay.sent.map(({ seconds }) => seconds)).toEqual([0, 82_800]);
    from.relay.refusals = Array.from({ length: 100 }, () => 'relay.mailbox_full' as const);
    const late = await from.mail.send({ to: 'ben', text: 'too late', seconds: 60 });
    late.accepted.catch(() => {});
    await expect.poll(() => from.troubles.length).toBeGreaterThan(1);
    clock.advance(61);
    await expect(late.accepted).rejects.toMatchObject({ code: 'mail.expired' });
  });
});
