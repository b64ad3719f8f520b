import { fromBase64url } from '@caponier/crypto';
import { registryWire, sign } from '@caponier/protocol';
import { makeOwner, type TestOwner, testGrant, testSigner } from '@caponier/testkit';
import {
  CompactRange,
  decodeBundle,
  decodeOwnersLeaf,
  leafHash,
  openCheckpoint,
  verifyProofFile,
  witnessKey,
} from '@caponier/tlog';
import { signNext } from '@caponier/verify';
import { afterEach, describe, expect, it } from 'vitest';
import type { RegistryStore } from '../src/index.ts';
import { type Bench, bench, closeAll, isHead, logKeys, registrySigner } from './setup.ts';

afterEach(closeAll);

const policyOf = (b: Bench, k = 1) => ({ log: logKeys[0]!, witnesses: b.witnesses.map((w) => w.key), k });

async function published(b: Bench, seed = 'ada', options = {}): Promise<TestOwner> {
  const owner = await makeOwner(seed, { clock: b.clock, ...options });
  const answer = await b.append(owner.chain.wire());
  expect(answer.body).toMatchObject({ appended: expect.any(Array) });
  return owner;
}

const freezeBy = async (owner: TestOwner, b: Bench, signer = owner.phone.signer, target: string | null = null) =>
  sign(signer, 'freeze', {
    aud: owner.id,
    what: target ? 'device' : 'all',
    target,
    iat: b.clock.seconds(),
    nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
  });

describe('appending', () => {
  it('puts each statement into the log, under a head that its witness cosigned', async () => {
    const b = await bench();
    const owner = await makeOwner('ada', { clock: b.clock });
    const answer = await b.append(owner.chain.wire());
    const { appended, checkpoint } = registryWire.AppendAnswer.parse(answer.body);
    const head = openCheckpoint(checkpoint, policyOf(b));
    expect(head).toMatchObject({ size: owner.chain.signed.length, time: b.clock.seconds() });
    const entries = new Uint8Array(await (await b.request(`/owners/tile/entries/000.p/${head.size}`)).arrayBuffer());
    const leaves = decodeBundle(entries, head.size).map(decodeOwnersLeaf);
    for (const [i, { statement }] of owner.chain.signed.entries()) {
      expect(appended[i]).toEqual({ id: statement.id, seq: i, index: i });
      expect(leaves[i]).toMatchObject({ owner: owner.id, seq: i, id: statement.id });
    }
    expect(leaves.filter((leaf) => leaf.class === 'private')).toHaveLength(5);
    const proof = await b.get('/owners/proof?index=3');
    const leaf = leafHash(decodeBundle(entries, head.size)[3]!);
    expect(verifyProofFile(proof.text, leaf, policyOf(b)).index).toBe(3);
  });

  it('of two devices that write at once, the first in log order wins', async () => {
    const b = await bench();
    const owner = await published(b);
    const { view, pen } = owner;
    const [one, two] = await Promise.all(
      ['one', 'two'].map((label) => signNext(view, 'grant', testGrant({ label }), pen)),
    );
    const wire = (s: typeof one) => [{ statement: s!.statement.jws, cosigns: [] }];
    const answers = await Promise.all([b.append(wire(one)), b.append(wire(two))]);
    expect(answers.map((a) => a.status)).toEqual([200, 409]);
    expect(answers[1]!.body.code).toBe('owner.bad_sequence');
    // The loser's device refreshes and signs again.
    const { body } = await b.get(`/owners/${owner.id}?from=${view.seq + 1}`, await b.hello(owner.laptop.signer));
    expect(body.chain).toMatchObject([{ id: one!.statement.id, statement: one!.statement.jws }]);
    const again = await signNext(one!.view, 'grant', testGrant({ label: 'two' }), pen);
    expect((await b.append(wire(again))).status).toBe(200);
  });

  it('takes a whole request or nothing, and answers a repeated one the same', async () => {
    const b = await bench();
    const owner = await makeOwner('ada', { clock: b.clock });
    const wire = owner.chain.wire();
    const gap = await b.append([...wire.slice(0, 3), ...wire.slice(4)]);
    expect(gap.body.code).toBe('owner.bad_sequence');
    expect((await b.get(`/owners/${owner.id}`)).body.code).toBe('owner.unknown');
    const first = await b.append(wire.slice(0, 4));
    const second = await b.append(wire);
    const third = await b.append(wire);
    expect(second.body.appended.slice(0, 4)).toEqual(first.body.appended);
    expect(third.body.appended).toEqual(second.body.appended);
    expect(openCheckpoint(third.body.checkpoint, policyOf(b)).size).toBe(wire.length);
  });

  it('judges authority: a stranger writes nothing into a chain', async () => {
    const b = await bench();
    const owner = await published(b);
    const mallory = await makeOwner('mallory', { clock: b.clock });
    const payload = { ...(await signNext(owner.view, 'grant', testGrant(), owner.pen)).statement.payload };
    const forged = await sign(mallory.root, 'grant', JSON.parse(JSON.stringify(payload)));
    expect((await b.append([{ statement: forged, cosigns: [] }])).body.code).toBe('owner.not_authorised');
    const { jws } = (await owner.chain.add('grant', testGrant({ label: 'x' }))).statement;
    const at = jws.length - 40;
    const altered = `${jws.slice(0, at)}${jws[at] === 'A' ? 'B' : 'A'}${jws.slice(at + 1)}`;
    expect((await b.append([{ statement: altered, cosigns: [] }])).body.code).toBe('statement.bad_signature');
    const mixed = [owner.chain.wire()[0]!, mallory.chain.wire()[0]!];
    expect((await b.append(mixed)).body.code).toBe('host.bad_body');
    expect((await b.append(mallory.chain.wire(1))).body.code).toBe('owner.unknown');
  });

  it('many writers share a transaction and a round of the witness', async () => {
    let batches = 0;
    const b = await bench({
      store: (store) => ({
        ...store,
        integrate: (batch) => {
          batches += 1;
          return store.integrate(batch);
        },
      }),
    });
    const owners = await Promise.all(Array.from({ length: 12 }, (_, i) => makeOwner(`o${i}`, { clock: b.clock })));
    const before = b.witnesses[0]!.calls;
    const answers = await Promise.all(owners.map((owner) => b.append(owner.chain.wire())));
    expect(answers.every((a) => a.status === 200)).toBe(true);
    expect(batches).toBeLessThan(5);
    expect(b.witnesses[0]!.calls - before).toBeLessThan(6);
  });

  it('counts the statements of a day', async () => {
    const b = await bench({
      store: (store) => ({
        ...store,
        counts: async (args) => {
          const { written, owners } = await store.counts(args);
          return { written: written + 985, owners };
        },
      }),
    });
    const owner = await published(b);
    expect(owner.chain.signed.length).toBeLessThan(16);
    const room = 1000 - 985 - owner.chain.signed.length;
    for (let i = 0; i <= room; i++) await owner.chain.add('grant', testGrant({ label: `g${i}` }));
    const wire = owner.chain.wire(owner.chain.signed.length - room - 1);
    expect((await b.append(wire)).body.code).toBe('registry.quota');
    expect((await b.append(wire.slice(0, room))).status).toBe(200);
    b.clock.advance(24 * 3600);
    const next = await bench({ path: b.path, clock: b.clock, witnesses: b.witnesses });
    expect((await next.append(wire)).status).toBe(200);
  });

  it('admits new owners as its operator says', async () => {
    const ada = await makeOwner('ada');
    const list = await bench({ admission: { mode: 'allowlist', owners: [ada.id] } });
    expect((await list.append(ada.chain.wire())).status).toBe(200);
    const eve = await makeOwner('eve');
    expect((await list.append(eve.chain.wire())).body.code).toBe('registry.not_admitted');
    await closeAll();

    const b = await bench({ admission: { mode: 'ticket', operators: [ada.operator.did] } });
    const iat = b.clock.seconds();
    const ticket = { aud: registrySigner.did, uses: 1, iat, exp: iat + 60, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' };
    const good = await sign(ada.operator, 'ticket', ticket);
    const bad = await sign(eve.operator, 'ticket', ticket);
    const elsewhere = await sign(ada.operator, 'ticket', { ...ticket, aud: eve.operator.did });
    const old = await sign(ada.operator, 'ticket', { ...ticket, exp: iat - 1 });
    for (const refused of [undefined, bad, elsewhere, old]) {
      expect((await b.append(ada.chain.wire(), refused)).body.code).toBe('registry.not_admitted');
    }
    // A chain that is refused does not cost the ticket.
    expect((await b.append([ada.chain.wire()[0]!, ada.chain.wire()[2]!], good)).body.code).toBe('owner.bad_sequence');
    expect((await b.append(ada.chain.wire().slice(0, 2), good)).status).toBe(200);
    expect((await b.append(ada.chain.wire())).status).toBe(200);
    expect((await b.append(eve.chain.wire(), good)).body.code).toBe('registry.not_admitted');
  });
});

describe('reading', () => {
  it('private statements are shown to those whom the owner named, and to nobody else', async () => {
    const b = await bench();
    const owner = await published(b);
    const at = owner.chain.signed.findIndex(({ statement }) => statement.kind === 'grant');
    const grant = owner.chain.signed[at]!.statement;
    const path = `/statements/${grant.id}`;
    for (const reader of [owner.broker, owner.gate, owner.workers.memory, owner.laptop.signer, owner.box.signer]) {
      expect((await b.get(path, await b.hello(reader))).body).toEqual({ statement: grant.jws, cosigns: [] });
    }
    const stranger = (await makeOwner('eve')).laptop.signer;
    for (const reader of [owner.relay, owner.operator, owner.root, stranger]) {
      expect((await b.get(path, await b.hello(reader))).body.code).toBe('registry.not_reader');
    }
    expect((await b.get(path)).body.code).toBe('registry.not_reader');
    const trust = owner.chain.signed[1]!.statement;
    expect((await b.get(`/statements/${trust.id}`)).body.statement).toBe(trust.jws);
    expect((await b.get(`/statements/${'A'.repeat(43)}`)).status).toBe(404);
    const chain = registryWire.ChainAnswer.parse((await b.get(`/owners/${owner.id}`)).body);
    expect(chain.chain[at]).toEqual({ id: grant.id, index: at });
    expect(chain.chain[1]).toMatchObject({ statement: trust.jws });
  });

  it('a revoked device and a replaced service stop being readers', async () => {
    const b = await bench();
    const owner = await published(b);
    const grant = owner.chain.signed.find(({ statement }) => statement.kind === 'grant')!.statement;
    const from = owner.chain.signed.length;
    await owner.chain.add('revoke', { what: 'device', target: owner.box.did });
    const trust = owner.view.trust!;
    const { id: _id, seq: _seq, ...same } = JSON.parse(JSON.stringify(trust));
    await owner.chain.add('trust', { ...same, broker: [] });
    expect((await b.append(owner.chain.wire(from))).status).toBe(200);
    for (const reader of [owner.box.signer, owner.broker]) {
      expect((await b.get(`/statements/${grant.id}`, await b.hello(reader))).status).toBe(403);
    }
    expect((await b.get(`/statements/${grant.id}`, await b.hello(owner.gate))).status).toBe(200);
  });

  it('believes only a fresh hello, once, for itself', async () => {
    const b = await bench();
    const owner = await published(b);
    const path = `/owners/${owner.id}`;
    const good = await b.hello(owner.laptop.signer);
    expect((await b.get(path, good)).status).toBe(200);
    const lapsed = await b.hello(owner.laptop.signer, { exp: b.clock.seconds() + 3600 });
    b.clock.advance(61);
    const refused = [
      good,
      lapsed,
      await b.hello(owner.laptop.signer, { aud: owner.gate.did }),
      await b.hello(owner.laptop.signer, { exp: b.clock.seconds() - 1 }),
      await b.hello(owner.laptop.signer, { iat: b.clock.seconds() + 100 }),
      await b.hello(owner.laptop.signer, { challenge: 'A'.repeat(43) }),
      await b.hello(owner.laptop.signer, { tls: 'A'.repeat(43) }),
      { [registryWire.registryHelloHeader]: 'x.y.z' },
      { [registryWire.registryHelloHeader]: await freezeBy(owner, b) },
    ];
    for (const headers of refused) {
      const { status, body } = await b.get(path, headers);
      expect([status, body.code]).toEqual([401, 'registry.bad_hello']);
    }
  });

  it('serves the tiles of every size that had a head, and nothing beyond', async () => {
    const gate = (await makeOwner('ada')).gate;
    const b = await bench({ services: [gate.did] });
    const leaf = (i: number) => Buffer.from(leafHash(Uint8Array.of(i >> 8, i))).toString('base64url');
    const leaves = Array.from({ length: 600 }, (_, i) => leaf(i));
    await b.post('/events', { leaves: leaves.slice(0, 300) }, await b.hello(gate));
    await b.post('/events', { leaves: leaves.slice(300) }, await b.hello(gate));
    const bytes = async (path: string) => new Uint8Array(await (await b.request(path)).arrayBuffer());
    const tiles = [
      await bytes('/events/tile/0/000'),
      await bytes('/events/tile/0/001'),
      await bytes('/events/tile/0/002.p/88'),
    ];
    const range = CompactRange.empty();
    for (const tile of tiles) for (let i = 0; i < tile.length; i += 32) range.append(tile.slice(i, i + 32));
    const head = openCheckpoint((await b.get('/events/checkpoint')).text, {
      log: logKeys[1]!,
      witnesses: b.witnesses.map((w) => w.key),
      k: 1,
    });
    expect(head.size).toBe(600);
    expect(range.root()).toEqual(head.root);
    expect(await bytes('/events/tile/0/001.p/44')).toEqual(tiles[1]!.slice(0, 44 * 32));
    expect((await bytes('/events/tile/1/000.p/2')).length).toBe(64);
    const bundle = decodeBundle(await bytes('/events/tile/entries/002.p/88'), 88);
    expect(bundle.map((entry) => Buffer.from(entry).toString('base64url'))).toEqual(leaves.slice(512));
    for (const path of [
      'tile/0/002',
      'tile/0/002.p/89',
      'tile/0/003',
      'tile/1/000.p/3',
      'tile/2/000.p/1',
      'tile/0/1',
      'tile/x',
      'tile/entries/003.p/1',
    ]) {
      expect((await b.get(`/events/${path}`)).status).toBe(404);
    }
    expect((await b.get('/events/proof?index=600')).body.code).toBe('registry.bad_range');
    expect((await b.get('/others/checkpoint')).status).toBe(404);
  });
});

describe('events', () => {
  it('are taken from the services of this deployment, once each', async () => {
    const owner = await makeOwner('ada');
    const b = await bench({ services: [owner.gate.did] });
    const leaves = ['a', 'b', 'c'].map((c) => Buffer.from(leafHash(Buffer.from(c))).toString('base64url'));
    const first = await b.post('/events', { leaves: leaves.slice(0, 2) }, await b.hello(owner.gate));
    expect(registryWire.EventsAnswer.parse(first.body).indices).toEqual([0, 1]);
    const again = await b.post('/events', { leaves: [leaves[2], leaves[0], leaves[2]] }, await b.hello(owner.gate));
    expect(again.body.indices).toEqual([2, 0, 2]);
    const stranger = await b.post('/events', { leaves }, await b.hello(owner.broker));
    expect([stranger.status, stranger.body.code]).toEqual([403, 'registry.not_service']);
    expect((await b.post('/events', { leaves })).body.code).toBe('registry.bad_hello');
    const proof = (await b.get('/events/proof?index=1')).text;
    const policy = { log: logKeys[1]!, witnesses: [witnessKey('witness.example', b.witnesses[0]!.signer.did)], k: 1 };
    expect(verifyProofFile(proof, leafHash(fromBase64url(leaves[1]!)), policy)).toMatchObject({ index: 1 });
  });
});

describe('freezing', () => {
  it('is durable, pushed at once, told to who comes later, and lifted by a thaw', async () => {
    const b = await bench();
    const owner = await published(b);
    const lines = await b.follow(0);
    await lines.until(isHead('owners'));
    b.witnesses[0]!.isDown = true;
    const freeze = await freezeBy(owner, b);
    const answer = await b.post('/freeze', { statement: freeze });
    expect(answer.body).toMatchObject({ followers: 1 });
    const seen = await lines.until((line) => line.type === 'now');
    expect(seen.at(-1)).toEqual({ type: 'now', statement: freeze, cosigns: [] });
    // Again, after a restart too, it is there once.
    expect((await b.post('/freeze', { statement: freeze })).status).toBe(200);
    b.witnesses[0]!.isDown = false;
    await closeAll();
    const next = await bench({ path: b.path, clock: b.clock, witnesses: b.witnesses });
    const later = await next.follow(0);
    const told = await later.until((line) => line.type === 'now');
    // After the head that covers its owner: before, it would say nothing to this reader.
    expect(told.some(isHead('owners', owner.chain.signed.length))).toBe(true);
    expect(told.at(-1)).toMatchObject({ statement: freeze });
    expect((await next.get(`/owners/${owner.id}`)).body.freezes).toEqual([freeze]);
    const from = owner.chain.signed.length;
    await owner.chain.add('thaw', { freezes: [answer.body.id] }, { cosigners: [owner.phone.signer] });
    expect((await next.append(owner.chain.wire(from))).status).toBe(200);
    expect((await next.get(`/owners/${owner.id}`)).body.freezes).toEqual([]);
    expect((await next.post('/freeze', { statement: freeze })).body.followers).toBe(0);
  });

  it('is for approvers alone', async () => {
    const b = await bench();
    const owner = await published(b);
    for (const signer of [owner.laptop.signer, owner.root, owner.gate]) {
      const { body } = await b.post('/freeze', { statement: await freezeBy(owner, b, signer) });
      expect(body.code).toBe('owner.not_authorised');
    }
    const unknown = { ...owner, id: 'A'.repeat(43) };
    expect((await b.post('/freeze', { statement: await freezeBy(unknown, b) })).body.code).toBe('owner.unknown');
    expect((await b.get(`/owners/${owner.id}`)).body.freezes).toEqual([]);
  });

  it('by a stranger costs no replay of the chain, by an approver it does', async () => {
    const first = await bench();
    const owner = await published(first);
    await closeAll();
    let chains = 0;
    const counted = (store: RegistryStore): RegistryStore => ({
      ...store,
      chain: (args) => {
        chains += 1;
        return store.chain(args);
      },
    });
    const b = await bench({ path: first.path, clock: first.clock, witnesses: first.witnesses, store: counted });
    for (let i = 0; i < 3; i++) {
      const { body } = await b.post('/freeze', { statement: await freezeBy(owner, b, testSigner(`stranger ${i}`)) });
      expect(body.code).toBe('owner.not_authorised');
    }
    expect(chains).toBe(0);
    expect((await b.post('/freeze', { statement: await freezeBy(owner, b) })).status).toBe(200);
    expect(chains).toBeGreaterThan(0);
  });

  it('follows the approvers of a chain: who is revoked freezes no more', async () => {
    const b = await bench();
    const owner = await published(b);
    const from = owner.chain.signed.length;
    await owner.chain.add('revoke', { what: 'approver', target: owner.phone.did });
    await b.append(owner.chain.wire(from));
    const { body } = await b.post('/freeze', { statement: await freezeBy(owner, b) });
    expect(body.code).toBe('owner.not_authorised');
  });

  it('an owner from before approvers were kept is replayed once, whoever asks', async () => {
    const first = await bench();
    const owner = await published(first);
    await closeAll();
    const kept = new Map<string, readonly string[]>();
    let chains = 0;
    const old = (store: RegistryStore): RegistryStore => ({
      ...store,
      approvers: async (id) => kept.get(id),
      recallApprovers: async ({ owner: id, keys }) => void kept.set(id, keys),
      chain: (args) => {
        chains += 1;
        return store.chain(args);
      },
    });
    const b = await bench({ path: first.path, clock: first.clock, witnesses: first.witnesses, store: old });
    expect((await b.post('/freeze', { statement: await freezeBy(owner, b) })).status).toBe(200);
    expect([chains, kept.get(owner.id)]).toEqual([1, expect.arrayContaining([owner.phone.did])]);
  });

  it('a revocation reaches followers before its head', async () => {
    const b = await bench();
    const owner = await published(b);
    const lines = await b.follow(owner.chain.signed.length);
    await lines.until(isHead('owners'));
    b.witnesses[0]!.isDown = true;
    const from = owner.chain.signed.length;
    const revoke = await owner.chain.add('revoke', { what: 'device', target: owner.box.did });
    const grant = await owner.chain.add('revoke', { what: 'grant', target: owner.grants.memory });
    const pending = b.append(owner.chain.wire(from));
    const [now] = (await lines.until((line) => line.type === 'now')).slice(-1);
    expect(now).toEqual({ type: 'now', statement: revoke.statement.jws, cosigns: [] });
    b.witnesses[0]!.isDown = false;
    expect((await b.settle(pending)).status).toBe(200);
    // The stranger that follows is not told which grant it was.
    const rest = await lines.until(isHead('owners'));
    expect(rest.map((line) => line.type)).toEqual(['leaf', 'leaf', 'head']);
    expect(JSON.stringify(rest)).not.toContain(grant.statement.jws);
  });
});
