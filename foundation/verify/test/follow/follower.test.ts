import { toBase64url } from '@caponier/crypto';
import { idOf, sign } from '@caponier/protocol';
import {
  enrolment,
  headLine,
  makeDevice,
  makeOwner,
  ownersLeafOf,
  type TestOwner,
  TestRegistry,
  testGrant,
  testMemory,
  testSigner,
} from '@caponier/testkit';
import { encodeOwnersLeaf } from '@caponier/tlog';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { FollowedOwners } from '../../src/follow/owners.ts';
import { LogFollower, OwnerChain, signNext } from '../../src/index.ts';
import { anchorOf, closeAll, follow, registryOf, stage, until } from './stage.ts';

afterEach(closeAll);

const coded = (code: string) => expect.objectContaining({ code });
const revokeBox = (owner: TestOwner) => owner.chain.add('revoke', { what: 'device', target: owner.box.did });

async function freezeOf(owner: TestOwner, target = 'claude@box') {
  const iat = owner.clock.seconds();
  const nonce = toBase64url(owner.random(16));
  return sign(owner.phone.signer, 'freeze', { aud: owner.id, what: 'agent', target, iat, nonce });
}

test('follows the log: a view, its age, and each change as it comes', async () => {
  const { owner, registry, follower } = await stage();
  const dated = follower.get(owner.id);
  expect(dated.view.idsInForce()).toEqual(owner.view.idsInForce());
  expect(follower.requireFresh(dated, 'permit')).toBe(0);
  const changed: string[] = [];
  follower.onChange((id) => changed.push(id));
  await revokeBox(owner);
  await registry.publish(owner.chain.wire(owner.chain.signed.length - 1));
  await until(() => changed.includes(owner.id));
  expect(follower.get(owner.id).view.device(owner.box.did)).toBeUndefined();
  expect(() => follower.get('A'.repeat(43))).toThrow(coded('owner.unknown'));
});

test('a view is as old as its cosignature: too old for a permit, then for a shell', async () => {
  const { owner, registry, follower } = await stage();
  const age = (purpose: 'permit' | 'shell') => follower.requireFresh(follower.get(owner.id), purpose);
  owner.clock.advance(30);
  expect(age('permit')).toBe(30);
  owner.clock.advance(1);
  expect(() => age('permit')).toThrow(coded('owner.stale_view'));
  expect(age('shell')).toBe(31);
  owner.clock.advance(15 * 60);
  expect(() => age('shell')).toThrow(coded('owner.stale_view'));
  await registry.head();
  await until(() => follower.get(owner.id).asOf === owner.clock.seconds());
  expect(age('permit')).toBe(0);
  owner.clock.advance(-21);
  expect(() => age('shell')).toThrow(coded('owner.stale_view'));
});

test('only the witnesses that the owner named make its view young', async () => {
  const { owner, registry, follower } = await stage();
  const other = { name: 'other.example', key: testSigner('other witness').did };
  const { operators, log, broker, gate, workers, relays } = structuredClone(owner.view.trust!);
  await owner.chain.add('trust', { operators, log, broker, gate, workers, relays, witnesses: [other], k: 1 } as never);
  await registry.publish(owner.chain.wire(owner.chain.signed.length - 1));
  await until(() => follower.get(owner.id).asOf === null);
  expect(() => follower.requireFresh(follower.get(owner.id), 'shell')).toThrow(coded('owner.stale_view'));
});

test('an owner that moved to another log is not known here any more', async () => {
  const { owner, registry, follower } = await stage();
  const { operators, broker, gate, workers, witnesses, relays, k } = structuredClone(owner.view.trust!);
  const log = { origin: 'elsewhere.example', key: testSigner('elsewhere').did };
  await owner.chain.add('trust', { operators, log, broker, gate, workers, relays, witnesses, k } as never);
  await registry.publish(owner.chain.wire(owner.chain.signed.length - 1));
  await until(() => follower.status.size === owner.chain.signed.length);
  expect(() => follower.get(owner.id)).toThrow(coded('owner.unknown'));
});

test('a log rolled back is refused, raises an alarm with both heads, and stays refused after a restart', async () => {
  const { owner, registry, follower, memory, alarms } = await stage();
  const young = registry.note!;
  const old = await registry.log.checkpoint(5);
  registry.say(headLine(old));
  await until(() => follower.status.trouble !== null);
  expect(alarms).toEqual([{ code: 'log.rolled_back', facts: [young, old] }]);
  expect(() => follower.requireFresh({ ...follower.get(owner.id), trouble: follower.status.trouble }, 'shell')).toThrow(
    coded('log.rolled_back'),
  );
  follower.close();

  const restored = registryOf(owner);
  await restored.publish(owner.chain.wire().slice(0, 5));
  const again = await follow(
    owner,
    {
      ...restored,
      follow: (_from, mode, signal) => restored.follow(0, mode, signal),
      statement: () => Promise.resolve(undefined),
    },
    { memory },
  );
  expect(again.follower.get(owner.id).view.head).toBe(owner.view.head);
  await until(() => again.follower.status.trouble !== null);
  expect(again.follower.status.size).toBe(owner.chain.signed.length);
});

test('a restart from a younger log with fewer leaves is a rollback too', async () => {
  const { owner, follower, memory } = await stage();
  follower.close();
  const restored = registryOf(owner);
  await restored.publish(owner.chain.wire().slice(0, 5));
  const again = await follow(owner, restored, { memory });
  await until(() => again.follower.status.trouble === 'log.rolled_back');
  expect(again.alarms).toHaveLength(1);
  expect(() => again.follower.requireFresh(again.follower.get(owner.id), 'permit')).toThrow(coded('log.rolled_back'));
});

test('a fork is refused and raises an alarm with both heads', async () => {
  const { owner, registry, follower, alarms } = await stage();
  const young = registry.note!;
  const fork = registryOf(owner);
  fork.append(owner.chain.wire().toReversed());
  const forked = await fork.log.checkpoint();
  registry.say(headLine(forked));
  await until(() => follower.status.trouble !== null);
  expect(alarms).toEqual([{ code: 'log.forked', facts: [young, forked] }]);
  // The honest head afterwards is believed again: it leads on from what was remembered.
  await registry.head();
  await until(() => follower.status.trouble === null);
});

test('a head by another key, or without the witness, is not taken', async () => {
  const { owner, registry, follower } = await stage();
  const liar = new TestRegistry({
    origin: `${owner.logOrigin}/owners`,
    registry: testSigner('liar'),
    witnesses: [{ name: owner.witnessName, signer: owner.witness }],
    clock: owner.clock,
  });
  liar.append(owner.chain.wire());
  owner.clock.advance(5);
  registry.say(headLine(await liar.log.checkpoint()));
  await until(() => follower.status.trouble === 'log.bad_signature');
  await registry.head();
  await until(() => follower.status.trouble === null);
  registry.say(headLine(await registry.log.checkpoint(undefined, [])));
  await until(() => follower.status.trouble === 'log.not_enough_witnesses');
});

test('a statement that is named and not shown refuses its owner, until somebody shows it', async () => {
  const owner = await makeOwner();
  const registry = registryOf(owner);
  const id = (await revokeBox(owner)).statement.id;
  registry.hidden.add(id);
  const shown = registry.statements;
  await registry.publish(owner.chain.wire());
  const wire = shown.get(id)!;
  shown.delete(id);
  const { follower, memory } = await follow(owner, registry);
  await until(() => follower.status.size === owner.chain.signed.length);
  expect(() => follower.get(owner.id)).toThrow(coded('owner.withheld'));
  await expect(follower.resolve(owner.id)).rejects.toThrow(coded('owner.withheld'));
  expect(await follower.supply(owner.id, owner.chain.wire()[0]!.statement, [])).toBe(false);
  expect(await follower.supply(owner.id, wire.statement, wire.cosigns)).toBe(true);
  expect(follower.get(owner.id).view.device(owner.box.did)).toBeUndefined();
  follower.close();
  const again = await follow(owner, registry, { memory });
  expect(again.follower.get(owner.id).view.device(owner.box.did)).toBeUndefined();
});

test('what comes after a withheld statement waits with it, and is applied in order', async () => {
  const owner = await makeOwner();
  const registry = registryOf(owner);
  const first = (await revokeBox(owner)).statement.id;
  await owner.chain.add('enroll', enrolment(makeDevice('ada', 'tablet', 'member')));
  registry.hidden.add(first);
  await registry.publish(owner.chain.wire());
  const { follower } = await follow(owner, registry);
  await until(() => follower.status.size === owner.chain.signed.length);
  const { view } = await follower.resolve(owner.id);
  expect(view.head).toBe(owner.view.head);
  expect(view.deviceByName('tablet')).toBeDefined();
});

test('who names a withheld owner again and again does not make us ask the registry each time', async () => {
  const owner = await makeOwner();
  const registry = registryOf(owner);
  registry.hidden.add((await revokeBox(owner)).statement.id);
  await registry.publish(owner.chain.wire());
  let asked = 0;
  const { follower } = await follow(owner, {
    follow: (...args) => registry.follow(...args),
    statement: () => {
      asked += 1;
      return Promise.resolve(undefined);
    },
  });
  await until(() => follower.status.size === owner.chain.signed.length);
  const tries = Array.from({ length: 20 }, () => follower.resolve(owner.id).catch(() => {}));
  await Promise.all(tries);
  expect(asked).toBe(1);
  owner.clock.advance(3);
  await expect(follower.resolve(owner.id)).rejects.toThrow(coded('owner.withheld'));
  expect(asked).toBe(2);
});

test('an owner that may not be read costs time in proportion to its statements', () => {
  const owners = new FollowedOwners('full', () => {});
  const begin = process.cpuUsage();
  for (let index = 0; index < 150_000; index++) {
    const leaf = { owner: 'o', seq: index, class: 'private', id: 'i' } as const;
    owners.add({ index, leaf, statement: null, cosigns: [] });
  }
  // Copied for each, they would be eleven thousand million numbers.
  expect(process.cpuUsage(begin).user / 1_000).toBeLessThan(2_000);
  expect(owners.waiting('o')).toHaveLength(150_000);
});

test('cosigns left out withhold a statement; they do not void it', async () => {
  const [a, b] = [testSigner('root a'), testSigner('root b')];
  const owner = await makeOwner();
  const pen = { ...owner.pen, signer: a, cosigners: [b] };
  const chain = await OwnerChain.begin(pen, { keys: [a.did, b.did], k: 2 });
  await chain.add('epoch', { class: 'secret', n: 1 });
  const registry = registryOf(owner);
  const [start, next] = chain.wire();
  registry.append([start!, { ...next!, cosigns: [] }]);
  await registry.head();
  const { follower } = await follow(owner, registry);
  await until(() => follower.status.size === 2);
  expect(() => follower.get(chain.view.id)).toThrow(coded('owner.withheld'));
  registry.statements.set(idOf(next!.statement), next!);
  expect((await follower.resolve(chain.view.id)).view.seq).toBe(1);
});

test('a statement that does not follow is void, for everybody, and the chain goes on', async () => {
  const { owner, registry, follower } = await stage();
  const before = owner.view;
  const won = await owner.chain.add('epoch', { class: 'secret', n: 1 });
  const lost = await signNext(before, 'epoch', { class: 'memory', n: 1 }, owner.pen);
  await owner.chain.add('epoch', { class: 'config', n: 1 });
  const [first, second] = owner.chain.wire(owner.chain.signed.length - 2);
  await registry.publish([first!, { statement: lost.statement.jws, cosigns: [] }, second!]);
  await until(() => follower.status.size === owner.chain.signed.length + 1);
  const { view } = follower.get(owner.id);
  expect([view.epoch('secret')?.id, view.epoch('memory'), view.epoch('config')?.n]).toEqual([
    won.statement.id,
    undefined,
    1,
  ]);
});

test('a statement in the wrong class raises an alarm and refuses its owner', async () => {
  const { owner, registry, follower, alarms } = await stage();
  const { statement } = await revokeBox(owner);
  const { payload } = statement;
  registry.append(owner.chain.wire(owner.chain.signed.length - 1), () =>
    encodeOwnersLeaf({ owner: owner.id, seq: payload.seq, class: 'private', id: statement.id }),
  );
  await registry.head();
  await until(() => alarms.length > 0);
  expect(alarms[0]).toMatchObject({ code: 'log.wrong_class', facts: [statement.jws, expect.any(String)] });
  expect(() => follower.get(owner.id)).toThrow(coded('log.wrong_class'));
});

test('relays follow what they may see, and need no more', async () => {
  const { owner, registry, follower } = await stage({ mode: 'membership' });
  expect(follower.get(owner.id).view.grants()).toEqual([]);
  expect(follower.get(owner.id).view.deviceByName('phone')?.did).toBe(owner.phone.did);
  await owner.chain.add('grant', testGrant());
  await revokeBox(owner);
  await registry.publish(owner.chain.wire(owner.chain.signed.length - 2));
  await until(() => follower.status.size === owner.chain.signed.length);
  expect(follower.get(owner.id).view.device(owner.box.did)).toBeUndefined();
});

test('a freeze is obeyed before any head, from the log or by hand, outlives a restart, and ends with its thaw', async () => {
  const { owner, registry, follower, memory } = await stage();
  const [first, second] = [await freezeOf(owner), await freezeOf(owner, 'codex@box')];
  await follower.offer(first);
  expect(follower.get(owner.id).view.frozen(null, 'claude@box')).toBeDefined();
  registry.now(second);
  await until(() => follower.get(owner.id).view.frozen(null, 'codex@box') !== undefined);
  follower.close();

  // The approver is revoked in the meantime; what it stopped stays stopped.
  await owner.chain.add('revoke', { what: 'approver', target: owner.phone.did });
  await registry.publish(owner.chain.wire(owner.chain.signed.length - 1));
  const again = await follow(owner, registry, { memory });
  await until(() => again.follower.status.size === owner.chain.signed.length);
  const view = () => again.follower.get(owner.id).view;
  expect(view().freezes()).toHaveLength(2);
  await owner.chain.add(
    'thaw',
    {
      freezes: view()
        .freezes()
        .map((f) => f.id),
    },
    { signer: owner.recovery },
  );
  await registry.publish(owner.chain.wire(owner.chain.signed.length - 1));
  await until(() => view().freezes().length === 0);
  expect(await memory.removals(`${owner.logOrigin}/owners`)).toEqual([]);
});

test('a revocation is obeyed before any head, and forgotten as pending once the chain shows it', async () => {
  const { owner, registry, follower, memory } = await stage();
  const { statement } = await revokeBox(owner);
  await follower.offer(statement.jws);
  expect(follower.get(owner.id).view.device(owner.box.did)).toBeUndefined();
  expect(await memory.removals(`${owner.logOrigin}/owners`)).toHaveLength(1);
  await registry.publish(owner.chain.wire(owner.chain.signed.length - 1));
  await until(() => follower.status.size === owner.chain.signed.length);
  await until(() => follower.get(owner.id).view.pendingRemovals().length === 0);
  expect(follower.get(owner.id).view.device(owner.box.did)).toBeUndefined();
  expect(await memory.removals(`${owner.logOrigin}/owners`)).toEqual([]);
});

test('what only looks like a removal removes nothing', async () => {
  const { owner, registry, follower } = await stage();
  const iat = owner.clock.seconds();
  const by = (signer: typeof owner.root) =>
    sign(signer, 'freeze', { aud: owner.id, what: 'all', target: null, iat, nonce: 'A'.repeat(22) });
  for (const jws of [await by(owner.root), await by(owner.registry), await by(testSigner('x'))]) {
    await expect(follower.offer(jws)).rejects.toThrow(coded('owner.not_authorised'));
    registry.now(jws);
  }
  const grant = owner.chain.signed.find(({ statement }) => statement.kind === 'grant')!.statement.jws;
  await expect(follower.offer(grant)).rejects.toThrow(coded('statement.wrong_kind'));
  await registry.head();
  await until(() => follower.status.trouble === null);
  expect(follower.get(owner.id).view.freezes()).toEqual([]);
});

test('leaves that no head covered are forgotten with the stream that showed them', async () => {
  const { owner, registry, follower, memory } = await stage();
  const bob = await makeOwner('bob');
  registry.say(
    JSON.stringify({
      type: 'leaf',
      index: owner.chain.signed.length,
      leaf: toBase64url(ownersLeafOf(bob.chain.wire()[0]!.statement)),
    }),
  );
  registry.say('not a line');
  await until(() => follower.status.trouble === 'log.bad_leaf');
  await until(() => registry.followers === 1);
  await revokeBox(owner);
  await registry.publish(owner.chain.wire(owner.chain.signed.length - 1));
  await until(() => follower.status.size === owner.chain.signed.length);
  expect(await memory.leaves({ log: `${owner.logOrigin}/owners`, from: 0, limit: 99 })).toHaveLength(
    owner.chain.signed.length,
  );
});

test('a registry that falls silent is left, and tried again', async () => {
  const owner = await makeOwner();
  let tries = 0;
  const silent = {
    async *follow(): AsyncGenerator<string> {
      tries += 1;
      await new Promise(() => {});
    },
    statement: () => new Promise<undefined>(() => {}),
  };
  const { follower } = await follow(owner, silent, {
    wait: (_ms, signal) =>
      new Promise((resolve) => {
        setTimeout(resolve, 1);
        signal.addEventListener('abort', () => resolve());
      }),
  });
  await until(() => tries > 2);
  expect(follower.status.trouble).toBeNull();
});

test('rubbish in the stream never ends a follower and changes nothing', async () => {
  const { owner, registry, follower } = await stage();
  const { size } = follower.status;
  const rubbish = fc.oneof(
    fc.string(),
    fc.json(),
    fc.constantFrom(
      '{"type":"leaf","index":0}',
      '{"type":"head","log":"owners","checkpoint":"x"}',
      headLine(registry.note!).replace('owners', 'events'),
    ),
  );
  await fc.assert(
    fc.asyncProperty(rubbish, async (line) => {
      await until(() => registry.followers === 1);
      registry.say(line.replaceAll('\n', ' '));
    }),
    { numRuns: 50 },
  );
  await until(() => registry.followers === 1);
  await registry.head();
  await until(() => follower.status.trouble === null);
  expect(follower.status.size).toBe(size);
  expect(follower.get(owner.id).view.head).toBe(owner.view.head);
});

test('memory that was tampered with is not opened, and a log is not followed without a witness', async () => {
  const { owner, registry, follower, memory } = await stage();
  follower.close();
  const log = `${owner.logOrigin}/owners`;
  const head = (await memory.head(log))!;
  const open = (change: object, anchor = anchorOf(owner)) =>
    LogFollower.open({
      registry,
      memory: { ...memory, ...change },
      anchor,
      mode: 'full',
      clock: owner.clock,
      wait: async () => {},
      alarm: () => {},
    });
  await expect(open({ head: async () => ({ ...head, root: new Uint8Array(32) }) })).rejects.toThrow(
    coded('store.damaged'),
  );
  await expect(open({ leaves: async () => [] })).rejects.toThrow(coded('store.damaged'));
  await expect(open({}, { ...anchorOf(owner), k: 0 })).rejects.toThrow(coded('host.bad_config'));
  expect((await open({ ...testMemory() })).status.size).toBe(0);
});
