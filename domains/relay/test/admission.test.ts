import { readFile } from 'node:fs/promises';
import { Secret, toBase64url, utf8 } from '@caponier/crypto';
import { fail, idOf, type Payload, relayFrames, type Signer, sign } from '@caponier/protocol';
import { enrolment, makeDevice, makeOwner, manualClock, testSigner } from '@caponier/testkit';
import { signNext } from '@caponier/verify';
import { describe, expect, it } from 'vitest';
import {
  codeOf,
  connect,
  freezeOf,
  helloOf,
  keyBytes,
  knock,
  listen,
  membershipOf,
  messageId,
  ownerNamed,
  Peer,
  relaySigner,
  resumeSecret,
  type Showing,
  startRelay,
  temporaryFolder,
  ticketOf,
} from './support.ts';

/** The close code of an attempt, by name. */
async function refusal(...args: Parameters<typeof knock>): Promise<string> {
  return codeOf(await (await knock(...args)).gone());
}

describe('a slot', () => {
  it('is given to a device whose owner enrolled it, on first contact', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const { welcome } = await connect(test, ada, ada.box.signer);
    expect(welcome.maxStreams).toBe(64);
    expect(welcome.resume.length).toBeGreaterThan(32);
    expect(test.relay.counts()).toMatchObject({ connections: 1, strangers: 0 });
  });

  it('is not given to a device that nobody enrolled, nor under another owner', async () => {
    const ada = await ownerNamed('ada');
    const bob = await ownerNamed('bob');
    const test = await startRelay();
    const mallory = makeDevice('mallory', 'mallory', 'controller');
    expect(await refusal(test, ada, mallory.signer)).toBe('relay.bad_hello');
    expect(await refusal(test, ada, bob.box.signer)).toBe('relay.bad_hello');
    // The right chain beside the wrong owner, and the other way round.
    expect(await refusal(test, bob, ada.box.signer, { chain: membershipOf(ada) })).toBe('relay.bad_hello');
    expect(await refusal(test, bob, ada.box.signer, { chain: [] })).toBe('relay.stale_resume');
    await expect.poll(() => test.relay.counts()).toMatchObject({ connections: 0, strangers: 0, meetings: 0 });
  });

  it('is not given for an enrolment that was forged', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const mallory = makeDevice('mallory', 'mallory', 'controller');
    const seconds = test.clock.seconds();
    const members = enrolment(mallory);
    const place = { owner: ada.id, seq: ada.view.seq + 1, prev: ada.view.head, iat: seconds };
    const view = ada.view.nextView('enroll', members);
    const by = async (signer: typeof ada.root, change: Partial<Payload<'enroll'>> = {}) =>
      sign(signer, 'enroll', { ...place, ...members, view, ...change });
    const forged = {
      'by the device itself': await by(mallory.signer),
      'by a sibling': await by(ada.laptop.signer),
      'by the recovery key': await by(ada.recovery),
      'by the operator': await by(ada.operator),
      'in a place that is taken': await by(ada.root, { seq: 2 }),
      'for another owner': await by(ada.root, { owner: (await ownerNamed('bob')).id }),
    };
    for (const [how, enroll] of Object.entries(forged)) {
      test.address = `192.0.2.${10 + Object.keys(forged).indexOf(how)}`;
      const code = await refusal(test, ada, mallory.signer, { chain: [...membershipOf(ada), enroll] });
      expect([how, code]).toEqual([how, how === 'in a place that is taken' ? 'relay.stale_chain' : 'relay.bad_hello']);
    }
    // Every byte of a good one counts.
    const good = await by(ada.root);
    for (const at of [3, 40, 90, good.indexOf('.') + 9, good.lastIndexOf('.') + 5]) {
      test.address = `198.51.100.${at % 200}`;
      const broken = `${good.slice(0, at)}${good[at] === 'A' ? 'B' : 'A'}${good.slice(at + 1)}`;
      const code = await refusal(test, ada, mallory.signer, { chain: [...membershipOf(ada), broken] });
      expect(code).toBe('relay.bad_hello');
    }
    test.address = '203.0.113.1';
    await connect(test, ada, mallory.signer, { chain: [...membershipOf(ada), good] });
  });

  it('is proven to this relay, for this challenge, at this time, over this channel', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ tls: toBase64url(new Uint8Array(32).fill(7)) });
    const now = test.clock.seconds();
    const wrong: Record<string, Showing['hello']> = {
      'another relay': { aud: testSigner('another relay').did },
      'an old challenge': { challenge: toBase64url(new Uint8Array(32)) },
      'another channel': { tls: toBase64url(new Uint8Array(32).fill(8)) },
      'from the future': { iat: now + 120, exp: now + 180 },
      expired: { iat: now - 300, exp: now - 120 },
      'lives for ever': { iat: now, exp: now + 86_400 },
    };
    for (const [how, hello] of Object.entries(wrong)) {
      test.address = `192.0.2.${10 + Object.keys(wrong).indexOf(how)}`;
      expect([how, await refusal(test, ada, ada.box.signer, { hello: hello! })]).toEqual([how, 'relay.bad_hello']);
    }
    await connect(test, ada, ada.box.signer, { hello: { tls: toBase64url(new Uint8Array(32).fill(7)) } });
  });

  it('cannot be taken by a hello heard on another connection', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const peer = new Peer(test.url);
    const { challenge } = await peer.next('challenge');
    const hello = await helloOf(ada.box.signer, challenge, test.clock.seconds(), { owner: ada.id });
    const thief = new Peer(test.url);
    await thief.next('challenge');
    thief.send('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: membershipOf(ada) });
    expect(codeOf(await thief.gone())).toBe('relay.bad_hello');
  });

  it('is kept from a revoked device that shows the chain from before, or leaves the revocation out', async () => {
    const eve = await makeOwner('eve');
    const folder = await temporaryFolder();
    const first = await startRelay({ folder });
    const before = membershipOf(eve);
    const revoked = await listen(first, eve, eve.box.signer);
    await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    await eve.chain.add('enroll', enrolment(makeDevice('eve', 'tablet', 'member')));
    // Another device shows the newer chain: the revoked one is cut at once, and stays out.
    await connect(first, eve, eve.laptop.signer);
    expect(codeOf(await revoked.gone())).toBe('relay.revoked');
    expect(await refusal(first, eve, eve.box.signer, { chain: before })).toBe('relay.revoked');
    const without = membershipOf(eve).filter((jws) => !jws.startsWith(revokePrefix(eve.root.did)));
    expect(without.length).toBe(membershipOf(eve).length - 1);
    expect(await refusal(first, eve, eve.box.signer, { chain: without })).toBe('relay.revoked');
    // A device that has not heard of it yet is still welcome: the relay judges by what it knows, not by what it is shown.
    await connect(first, eve, eve.phone.signer, { chain: before });
    await first.close();
    // The same after a restart.
    const second = await startRelay({ folder });
    expect(await refusal(second, eve, eve.box.signer, { chain: before })).toBe('relay.revoked');
  });

  it('is kept from a device whose revocation was left out when the relay first heard of the owner', async () => {
    const eve = await makeOwner('eve2');
    const test = await startRelay();
    await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    await eve.chain.add('enroll', enrolment(makeDevice('eve2', 'tablet', 'member')));
    const without = membershipOf(eve).filter((jws) => !jws.startsWith(revokePrefix(eve.root.did)));
    // Nobody has shown the revocation: a relay without the registry cannot know of it yet.
    const box = await listen(test, eve, eve.box.signer, { chain: without });
    await connect(test, eve, eve.laptop.signer);
    expect(codeOf(await box.gone())).toBe('relay.revoked');
  });

  it('is refused where the owner has two histories', async () => {
    const eve = await makeOwner('eve3');
    const test = await startRelay();
    const at = eve.view;
    const one = await signNext(at, 'enroll', enrolment(makeDevice('eve3', 'one', 'member')), eve.pen);
    const two = await signNext(at, 'enroll', enrolment(makeDevice('eve3', 'two', 'member')), eve.pen);
    await connect(test, eve, eve.laptop.signer, { chain: [...membershipOf(eve), one.statement.jws] });
    const forked = { chain: [...membershipOf(eve), two.statement.jws] };
    expect(await refusal(test, eve, eve.phone.signer, forked)).toBe('relay.stale_chain');
  });
});

const revokePrefix = (root: string) =>
  toBase64url(utf8(JSON.stringify({ alg: 'Ed25519', typ: 'stmt1.revoke+jws', kid: root })));

describe('the registry', () => {
  it('overrules what devices show', async () => {
    const eve = await makeOwner('eve4');
    const at = eve.view;
    const shown = membershipOf(eve);
    const voided = await signNext(at, 'enroll', enrolment(makeDevice('eve4', 'void', 'member')), eve.pen);
    let tell = (_owner: string) => {};
    let view = eve.view;
    const test = await startRelay({
      views: {
        get: () => ({ view }),
        onChange: (listener) => {
          tell = listener;
          return () => {};
        },
      },
    });
    const box = await listen(test, eve, eve.box.signer);
    await connect(test, eve, eve.laptop.signer, { chain: [...shown, voided.statement.jws] });
    // The log takes another statement in that place: the revocation of the box.
    await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    view = eve.view;
    tell(eve.id);
    expect(codeOf(await box.gone())).toBe('relay.revoked');
    // Devices that show what the log has are welcome, although the relay knew another branch.
    await connect(test, eve, eve.phone.signer);
    expect(await refusal(test, eve, eve.box.signer, { chain: shown })).toBe('relay.revoked');
  });

  it('decides between two histories, and what stopped a device in the one that is void still stops it', async () => {
    const eve = await makeOwner('eve10');
    let { view } = eve;
    const at = eve.view;
    const folder = await temporaryFolder();
    const limits = { challengesPerMinute: 100, failuresPerMinute: 100 };
    const options = { folder, limits, views: { get: () => ({ view }), onChange: () => () => {} } };
    const first = await startRelay(options);
    const tablet = makeDevice('eve10', 'tablet', 'member');
    await eve.chain.add('enroll', enrolment(tablet));
    const shown = membershipOf(eve);
    const before = shown.slice(0, -1);
    // On the branch that will be void: the box is made an approver, and the laptop revoked.
    const one = await signNext(at, 'approver', { key: eve.box.did, name: 'box', passkey: null }, eve.pen);
    const two = await signNext(one.view, 'revoke', { what: 'device', target: eve.laptop.did }, eve.pen);
    const voided = [...before, one.statement.jws, two.statement.jws];
    await connect(first, eve, eve.phone.signer, { chain: voided });
    const freeze = (by: Signer, target: string, n: number) => freezeOf(by, eve, target, first.clock.seconds(), n);
    const lifted = await freeze(eve.phone.signer, tablet.did, 1);
    const held = await freeze(eve.phone.signer, eve.box.did, 2);
    const nobodys = await freeze(eve.box.signer, eve.phone.did, 3);
    await first.relay.present([nobodys, lifted, held]);
    expect(await refusal(first, eve, eve.phone.signer, { chain: before })).toBe('relay.frozen');
    await eve.chain.add('thaw', { freezes: [idOf(lifted)] }, { cosigners: [eve.phone.signer] });
    // The log takes the other branch; the phone, which the box may not freeze there, shows it.
    view = eve.view;
    await connect(first, eve, eve.phone.signer);
    await connect(first, eve, tablet.signer);
    const stopped = async (test: typeof first) => [
      await refusal(test, eve, eve.box.signer),
      await refusal(test, eve, eve.laptop.signer),
    ];
    expect(await stopped(first)).toEqual(['relay.frozen', 'relay.revoked']);
    await first.close();
    const second = await startRelay(options);
    expect(await stopped(second)).toEqual(['relay.frozen', 'relay.revoked']);
    await connect(second, eve, eve.phone.signer);
    await connect(second, eve, tablet.signer);
  });

  it('refuses an owner whose statements it withholds', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({
      views: {
        get: () => {
          throw fail('owner.withheld');
        },
        onChange: () => () => {},
      },
    });
    expect(await refusal(test, ada, ada.box.signer)).toBe('relay.unavailable');
  });
});

describe('what removes authority', () => {
  it('takes effect on sight: a revocation and a freeze, shown by anybody', async () => {
    const eve = await makeOwner('eve5');
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const box = await listen(test, eve, eve.box.signer);
    const laptop = await listen(test, eve, eve.laptop.signer);
    const { peer: stranger } = await connect(test, ada, ada.box.signer);
    const before = membershipOf(eve);

    const freeze = await freezeOf(eve.phone.signer, eve, eve.box.did, test.clock.seconds());
    stranger.send('news', { channel: 5, statements: [freeze] });
    expect((await stranger.next('done')).channel).toBe(5);
    expect(codeOf(await box.gone())).toBe('relay.frozen');
    expect(await refusal(test, eve, eve.box.signer)).toBe('relay.frozen');

    const { statement } = await eve.chain.add('revoke', { what: 'device', target: eve.laptop.did });
    await test.relay.present([statement.jws]);
    expect(codeOf(await laptop.gone())).toBe('relay.revoked');
    expect(await refusal(test, eve, eve.laptop.signer, { chain: before })).toBe('relay.revoked');
    // It counts once more, now in its place.
    await connect(test, eve, eve.phone.signer);
    expect(await refusal(test, eve, eve.laptop.signer)).toBe('relay.revoked');
  });

  it('ends when the log says that it was lifted, for a device that shows no chain, too', async () => {
    const eve = await makeOwner('eve9');
    let view = eve.view;
    const test = await startRelay({ views: { get: () => ({ view }), onChange: () => () => {} } });
    const { welcome } = await connect(test, eve, eve.box.signer);
    const freeze = await freezeOf(eve.phone.signer, eve, eve.box.did, test.clock.seconds());
    await test.relay.present([freeze]);
    const before = { chain: [], resume: welcome.resume };
    expect(await refusal(test, eve, eve.box.signer, before)).toBe('relay.frozen');
    await eve.chain.add('thaw', { freezes: [idOf(freeze)] }, { cosigners: [eve.phone.signer] });
    expect(await refusal(test, eve, eve.box.signer, before)).toBe('relay.frozen');
    view = eve.view;
    await connect(test, eve, eve.box.signer, before);
  });

  it('is refused where it is not the owner who says so', async () => {
    const eve = await makeOwner('eve6');
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const box = await listen(test, eve, eve.box.signer);
    const { peer } = await connect(test, ada, ada.box.signer);
    const by = (signer: typeof ada.root, aud: string) =>
      sign(signer, 'freeze', {
        aud,
        what: 'all',
        target: null,
        iat: test.clock.seconds(),
        nonce: toBase64url(messageId(1)),
      });
    const seq = eve.view.seq + 1;
    const place = { owner: eve.id, seq, prev: eve.view.head, iat: test.clock.seconds(), view: eve.id };
    const revoke = { ...place, what: 'device' as const, target: eve.box.did };
    const bad = [
      await by(ada.phone.signer, eve.id),
      await by(eve.laptop.signer, eve.id),
      await by(eve.phone.signer, ada.recovery.did.slice(-43).replace(/.$/, 'A')).catch(() => 'x.y.z'),
      await sign(eve.laptop.signer, 'revoke', revoke),
      await sign(ada.root, 'revoke', revoke),
      membershipOf(eve)[2]!,
      'not.a.statement',
    ];
    for (const [i, jws] of bad.entries()) {
      peer.send('news', { channel: i + 1, statements: [jws] });
      expect(codeOf(await peer.next('error'))).toBe('relay.bad_statement');
    }
    await box.settle();
    expect(box.closed).toBeNull();
  });
});

describe('admission', () => {
  it('by ticket: counted, expiring, signed by the operator, for this relay; once an owner is in, its devices need none', async () => {
    const [ada, bob, cat] = await Promise.all(['ada', 'bob', 'cat'].map(ownerNamed));
    const operator = testSigner('operator');
    const clock = manualClock();
    const policy = { kind: 'ticket', operators: [operator.did] } as const;
    const folder = await temporaryFolder();
    const test = await startRelay({ admission: policy, clock, folder });
    const ticketBy = (signer: typeof operator, change: Partial<Payload<'ticket'>> = {}) =>
      ticketOf(signer, clock.seconds(), change);
    const attempt = async (owner: typeof ada, ticket: string, from: number) => {
      test.address = `192.0.2.${from}`;
      return refusal(test, owner!, owner!.box.signer, { ticket });
    };
    expect(await attempt(ada, '', 1)).toBe('relay.not_admitted');
    expect(await attempt(ada, await ticketBy(testSigner('another')), 2)).toBe('relay.not_admitted');
    expect(await attempt(ada, await ticketBy(operator, { aud: operator.did }), 3)).toBe('relay.not_admitted');
    expect(await attempt(ada, await ticketBy(operator, { iat: 1, exp: 2 }), 4)).toBe('relay.not_admitted');
    expect(await attempt(ada, membershipOf(ada!)[0]!, 5)).toBe('relay.not_admitted');
    test.address = '192.0.2.6';
    const ticket = await ticketBy(operator);
    await connect(test, ada!, ada!.box.signer, { ticket });
    await connect(test, ada!, ada!.laptop.signer);
    expect(await attempt(bob, ticket, 7)).toBe('relay.not_admitted');
    await test.close();
    // Still used up after a restart; the admitted owner still in.
    const again = await startRelay({ admission: policy, clock, folder });
    expect(await refusal(again, cat!, cat!.box.signer, { ticket })).toBe('relay.not_admitted');
    await connect(again, ada!, ada!.phone.signer);
  });

  it('is not used up by somebody whose chain is refused', async () => {
    const ada = await ownerNamed('ada');
    const operator = testSigner('operator');
    const test = await startRelay({ admission: { kind: 'ticket', operators: [operator.did] } });
    const ticket = await ticketOf(operator, test.clock.seconds());
    const mallory = makeDevice('mallory', 'mallory', 'controller');
    expect(await refusal(test, ada, mallory.signer, { ticket })).toBe('relay.bad_hello');
    await connect(test, ada, ada.box.signer, { ticket });
  });

  it('by list: these owners only', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const test = await startRelay({ admission: { kind: 'allowlist', owners: [ada.id] } });
    await connect(test, ada, ada.box.signer);
    expect(await refusal(test, bob, bob.box.signer)).toBe('relay.not_admitted');
  });

  it('of services: by name, and of no others', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ services: [ada.gate.did] });
    await connect(test, ada, ada.gate, { chain: [], hello: { owner: null } });
    expect(await refusal(test, ada, ada.broker, { chain: [], hello: { owner: null } })).toBe('relay.not_admitted');
  });
});

describe('a resume token', () => {
  it('spares the chain, not the challenge; for this device, for an hour, across a rotation of the secret', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    const clock = manualClock();
    // Each try costs a challenge, and there are many.
    const first = await startRelay({ folder, clock, limits: { challengesPerMinute: 100 } });
    const { welcome } = await connect(first, ada, ada.box.signer);
    const token = { chain: [], resume: welcome.resume };
    await connect(first, ada, ada.box.signer, token);
    expect(await refusal(first, ada, ada.laptop.signer, token)).toBe('relay.stale_resume');
    const challenge = { ...token, hello: { challenge: toBase64url(new Uint8Array(32)) } };
    expect(await refusal(first, ada, ada.box.signer, challenge)).toBe('relay.bad_hello');
    for (let at = 0; at < welcome.resume.length; at += 7) {
      const resume = welcome.resume.slice();
      resume[at]! ^= 1;
      expect(await refusal(first, ada, ada.box.signer, { chain: [], resume })).toBe('relay.stale_resume');
    }
    await first.close();

    const fresh = Secret.from(utf8('another resume secret, 32 characters or more'));
    const second = await startRelay({ folder, clock, resume: { current: fresh, previous: resumeSecret } });
    await connect(second, ada, ada.box.signer, token);
    await second.close();
    const third = await startRelay({ folder, clock, resume: { current: fresh } });
    expect(await refusal(third, ada, ada.box.signer, token)).toBe('relay.stale_resume');
    const { welcome: newer } = await connect(third, ada, ada.box.signer);
    clock.advance(3601);
    expect(await refusal(third, ada, ada.box.signer, { chain: [], resume: newer.resume })).toBe('relay.stale_resume');
  });

  it('does not bring a revoked device back', async () => {
    const eve = await makeOwner('eve7');
    const test = await startRelay();
    const { welcome } = await connect(test, eve, eve.box.signer);
    const { statement } = await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    await test.relay.present([statement.jws]);
    expect(await refusal(test, eve, eve.box.signer, { chain: [], resume: welcome.resume })).toBe('relay.revoked');
  });

  it('is not made with a secret that could be guessed, and without one not at all', async () => {
    const ada = await ownerNamed('ada');
    await expect(startRelay({ resume: { current: Secret.from(utf8('x'.repeat(31))) } })).rejects.toThrow(
      'host.bad_config',
    );
    const test = await startRelay({ resume: undefined });
    const { welcome } = await connect(test, ada, ada.box.signer);
    expect(welcome.resume.length).toBe(0);
  });
});

describe('connections of one device', () => {
  it('an exclusive one replaces the older ones; a shared one stands beside', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const { peer: one } = await connect(test, ada, ada.box.signer);
    const { peer: two } = await connect(test, ada, ada.box.signer, { hello: { mode: 'shared' } });
    await one.settle();
    await two.settle();
    const { peer: three } = await connect(test, ada, ada.box.signer);
    expect(codeOf(await one.gone())).toBe('relay.replaced');
    expect(codeOf(await two.gone())).toBe('relay.replaced');
    await three.settle();
  });

  it('are not replaced by somebody else who names the device', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const { peer } = await connect(test, ada, ada.box.signer);
    expect(await refusal(test, ada, ada.laptop.signer, { hello: { owner: (await ownerNamed('bob')).id } })).toBe(
      'relay.bad_hello',
    );
    await peer.settle();
  });

  it('are bounded', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { connectionsPerDevice: 2 } });
    const shared = { hello: { mode: 'shared' } } as const;
    await connect(test, ada, ada.box.signer, shared);
    await connect(test, ada, ada.box.signer, shared);
    expect(await refusal(test, ada, ada.box.signer, shared)).toBe('relay.too_many');
  });
});

describe('a chain', () => {
  it('longer than a frame comes in parts', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const chain = membershipOf(ada);
    const peer = new Peer(test.url);
    const { challenge } = await peer.next('challenge');
    peer.send('news', { statements: chain.slice(0, 2) });
    peer.send('news', { statements: chain.slice(2, 4) });
    const hello = await helloOf(ada.box.signer, challenge, test.clock.seconds(), { owner: ada.id });
    peer.send('hello', { hello, ticket: '', resume: new Uint8Array(0), chain: chain.slice(4) });
    await peer.next('welcome');
  });

  it('of an owner is kept once, whoever shows it, and strangers add nothing to it', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const mallory = makeDevice('mallory', 'mallory', 'controller');
    await refusal(test, ada, mallory.signer);
    expect(await test.store.read('ownerStatements', { owner: ada.id, most: 100 })).toBeNull();
    await connect(test, ada, ada.box.signer);
    await connect(test, ada, ada.phone.signer);
    const kept = await test.store.read('ownerStatements', { owner: ada.id, most: 100 });
    expect(kept?.statements.map(({ jws }) => jws)).toEqual(membershipOf(ada));
  });
});

describe('the table', () => {
  it('in the documentation comment names every frame with its number', async () => {
    const text = await readFile(
      new URL('../../../foundation/protocol/src/relay-wire/table.ts', import.meta.url),
      'utf8',
    );
    const rows = [...text.matchAll(/^ \* \| ([0-9a-f]{2}) {3}\| (\w+) /gm)].map(([, code, name]) => [
      name,
      Number.parseInt(code!, 16),
    ]);
    expect(rows).toEqual(Object.entries(relayFrames).map(([name, { code }]) => [name, code]));
    expect(keyBytes(relaySigner)).toHaveLength(32);
  });
});

describe('the check itself, in process', () => {
  it('lets none of the attempts in that change one character of what is shown', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const challenge = new Uint8Array(32).fill(1);
    const hello = await helloOf(ada.box.signer, challenge, test.clock.seconds(), { owner: ada.id });
    const good = { challenge, hello, ticket: '', resume: new Uint8Array(0), chain: membershipOf(ada) };
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
    for (let n = 0; n < 300; n++) {
      // The hello, and each statement that the device's own enrolment stands on: owner, trust, a sibling, itself.
      const place = (n % 5) - 1;
      const text = place < 0 ? hello : good.chain[place]!;
      const at = (n * 104_729) % text.length;
      const to = alphabet[(alphabet.indexOf(text[at]!) + 1 + (n % 60)) % alphabet.length]!;
      const changed = `${text.slice(0, at)}${to}${text.slice(at + 1)}`;
      const proof = place < 0 ? { ...good, hello: changed } : { ...good, chain: good.chain.with(place, changed) };
      await expect(test.relay.admission.prove(proof)).rejects.toThrow('relay.');
    }
    expect(await test.relay.admission.prove(good)).toMatchObject({ did: ada.box.did, owner: ada.id });
  });
});
