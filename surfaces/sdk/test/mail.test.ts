import { crypto, Secret, utf8 } from '@caponier/crypto';
import { type ErrorCode, encodeDid, fail, keyOf, sign } from '@caponier/protocol';
import { bundleToMembers, Prekeys } from '@caponier/session';
import { manualClock, seededRandom, testSigner } from '@caponier/testkit';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KeyValue, memoryKeyValue } from '../src/index.ts';
import type { DeliveredMail, RelayPort } from '../src/link/relay-port.ts';
import { encodeEnvelope, openEnvelope } from '../src/mail/form.ts';
import { outPrefix } from '../src/mail/keys.ts';
import { DeviceMail } from '../src/mail/mailbox.ts';
import type { Letter } from '../src/mail/types.ts';
import type { Views } from '../src/views/views.ts';

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

// ---- two devices of one owner and a relay in hand ----

interface Side {
  readonly mail: DeviceMail;
  readonly relay: FakeRelay;
  readonly troubles: string[];
  readonly store: KeyValue;
}

class FakeRelay implements RelayPort {
  state: RelayPort['state'] = 'connected';
  readonly sent: { to: Uint8Array; id: Uint8Array; body: Uint8Array }[] = [];
  readonly offered: string[] = [];
  /** What the next sends answer, in order; afterwards they are taken. */
  refusals: ErrorCode[] = [];
  prekeys: () => string | null = () => null;
  handler: (mail: DeliveredMail) => Promise<void> = async () => {};
  readonly listeners: ((state: RelayPort['state']) => void)[] = [];
  readonly oneTimeLeft = 0;

  onState(listener: (state: RelayPort['state']) => void) {
    this.listeners.push(listener);
    return () => {};
  }
  async sendMail(to: Uint8Array, id: Uint8Array, body: Uint8Array) {
    const refusal = this.refusals.shift();
    if (refusal) throw fail(refusal);
    this.sent.push({ to, id, body });
  }
  receiveMail(handler: (mail: DeliveredMail) => Promise<void>) {
    this.handler = handler;
  }
  async offer(statements: readonly string[]) {
    this.offered.push(...statements);
  }
  async fetchPrekeys() {
    return this.prekeys();
  }
  async allow() {}
  async tell() {}
  openStream = () => Promise.reject(fail('relay.not_reachable'));
  acceptStreams() {}
  openMeeting = () => Promise.reject(fail('relay.not_reachable'));
  start() {}
  close() {}
}

const owner = 'o'.repeat(43);
const clock = manualClock();
const keysOf = (name: string) => {
  const box = crypto.x25519.keyPair(Secret.from(seededRandom(`box ${name}`)(32)));
  const signer = testSigner(name);
  return { name, signer, box, did: signer.did, boxDid: encodeDid('x25519', box.publicKey) };
};
const [ann, ben, eve] = ['ann', 'ben', 'eve'].map(keysOf) as [Keys, Keys, Keys];
type Keys = ReturnType<typeof keysOf>;
const enrolled = (keys: Keys) => ({
  id: '',
  seq: 1,
  did: keys.did,
  box: keys.boxDid,
  role: 'member' as const,
  name: keys.name,
});

/** A view of three devices of one owner; `stale` and `gone` are what a test says. */
const world = { stale: false, gone: new Set<string>() };
const view = {
  id: owner,
  device: (did: string) =>
    world.gone.has(did) ? undefined : [ann, ben].map(enrolled).find((device) => device.did === did),
  deviceByName: (name: string) => [ann, ben].map(enrolled).find((device) => device.name === name),
  grants: () => [],
  frozen: () => undefined,
};
const views = {
  get: () => ({ view }),
  fresh: () => {
    if (world.stale) throw fail('owner.stale_view');
    return view;
  },
  soon: async () => {
    if (world.stale) throw fail('owner.stale_view');
    return { view, age: 0 };
  },
} as unknown as Views;

function open(keys: Keys, store: KeyValue = memoryKeyValue(), random = seededRandom(`mail ${keys.name}`)): Side {
  const relay = new FakeRelay();
  const troubles: string[] = [];
  const mail = new DeviceMail({
    store,
    relay,
    views,
    signer: keys.signer,
    box: keys.box,
    random,
    clock,
    wait: (_ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
        setTimeout(resolve, 5);
      }),
    trouble: (where, code) => troubles.push(`${where} ${code}`),
    onContent: async () => ({ changes: [], tell: () => {} }),
  });
  return { mail, relay, troubles, store };
}

async function pair() {
  const [from, to] = [open(ann), open(ben)];
  await Promise.all([from.mail.start(), to.mail.start()]);
  await to.mail.reachable;
  from.relay.prekeys = () => to.relay.offered.at(-1) ?? null;
  return { from, to };
}

const deliver = (to: Side, from: Keys, mail: { id: Uint8Array; body: Uint8Array }) =>
  to.relay.handler({ from: keyOf(from.did, 'ed25519'), id: mail.id, body: mail.body });
const texts = async (side: Side) => (await side.mail.list()).map(({ text }) => text);

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
});
