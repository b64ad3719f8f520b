import { utf8 } from '@caponier/crypto';
import { digestBody, type Payload, sign, type Verified, verifyStatement } from '@caponier/protocol';
import {
  enrolment,
  makeDevice,
  makeOwner,
  seededRandom,
  type TestOwner,
  testGrant,
  testPasskey,
  testSigner,
} from '@caponier/testkit';
import { describe, expect, test } from 'vitest';
import {
  type LaterKind,
  type Members,
  OwnerChain,
  OwnerView,
  signCosign,
  signNext,
  verifyMember,
} from '../../src/index.ts';

const coded = (code: string) => expect.objectContaining({ code });
const refused = (work: () => unknown, code: string) => expect(work).toThrow(coded(code));

/** A statement that an honest signer would not make: any member changed, signed with any key. */
async function forge<K extends LaterKind>(
  owner: TestOwner,
  kind: K,
  members: Members<K>,
  change: Partial<Payload<K>> = {},
  signer = owner.root,
): Promise<Verified<K>> {
  const { view } = owner;
  const payload = { owner: view.id, seq: view.seq + 1, prev: view.head, iat: owner.clock.seconds(), ...members };
  const jws = await sign(signer, kind, {
    ...payload,
    view: viewFor(view, kind, members),
    ...change,
  } as unknown as Payload<K>);
  return verifyStatement(jws, kind) as unknown as Verified<K>;
}

function viewFor<K extends LaterKind>(view: OwnerView, kind: K, members: Members<K>): string {
  try {
    return view.nextView(kind, members);
  } catch {
    return view.id;
  }
}

const tablet = makeDevice('ada', 'tablet', 'member');

describe('place', () => {
  test('a statement out of order, after another one, or of another owner', async () => {
    const owner = await makeOwner();
    const { view } = owner;
    const members = enrolment(tablet);
    refused(
      () => (0 as never) || view.apply(owner.chain.signed[3]!.statement as Verified<LaterKind>),
      'owner.bad_sequence',
    );
    for (const seq of [view.seq, view.seq + 2]) {
      const statement = await forge(owner, 'enroll', members, { seq });
      refused(() => view.apply(statement), 'owner.bad_sequence');
    }
    const elsewhere = await forge(owner, 'enroll', members, { prev: view.id });
    refused(() => view.apply(elsewhere), 'owner.bad_prev');
    const foreign = await forge(owner, 'enroll', members, { owner: (await makeOwner('bob')).id });
    refused(() => view.apply(foreign), 'owner.conflict');
  });

  test('a view that is not the state after the statement', async () => {
    const owner = await makeOwner();
    const before = owner.view.nextView('policy', { name: 'x', body: digestBody(utf8(''), owner.random) });
    const statement = await forge(owner, 'enroll', enrolment(tablet), { view: before });
    // A policy replaces one id and an enrolment adds one: the roots differ.
    refused(() => owner.view.apply(statement), 'owner.bad_view');
    await owner.chain.add('enroll', enrolment(tablet));
    refused(() => owner.view.nextView('enroll', enrolment(tablet)), 'owner.conflict');
  });

  test('applying leaves the view before as it was', async () => {
    const owner = await makeOwner();
    const before = owner.view;
    await owner.chain.add('revoke', { what: 'device', target: owner.box.did });
    expect(before.device(owner.box.did)?.name).toBe('box');
    expect(owner.view.device(owner.box.did)).toBeUndefined();
    expect(owner.view.formerDevice(owner.box.did)?.name).toBe('box');
  });
});

describe('who may sign', () => {
  test.each(['laptop', 'broker', 'gate', 'recovery', 'registry', 'witness', 'bob'] as const)(
    '%s signs nothing of the chain',
    async (who) => {
      const owner = await makeOwner();
      const bob = await makeOwner('bob');
      const signer = { ...owner, laptop: owner.laptop.signer, bob: bob.root }[who];
      for (const statement of [
        await forge(owner, 'enroll', enrolment(tablet), {}, signer),
        await forge(owner, 'grant', testGrant(), {}, signer),
        await forge(owner, 'revoke', { what: 'device', target: owner.box.did }, {}, signer),
        await forge(owner, 'epoch', { class: 'secret', n: 1 }, {}, signer),
      ])
        refused(() => owner.view.apply(statement as Verified<LaterKind>), 'owner.not_authorised');
    },
  );

  test('two of three roots: the first signs, another cosigns, and nobody counts twice', async () => {
    const [a, b, c] = [testSigner('a'), testSigner('b'), testSigner('c')];
    const random = seededRandom('quorum');
    const pen = { signer: a, cosigners: [b], random, clock: () => 1_800_000_000_000 };
    const chain = await OwnerChain.begin(pen, { keys: [a.did, b.did, c.did], k: 2 });
    const { statement } = await chain.add('epoch', { class: 'secret', n: 1 });
    const before = chain.signed[0]!.view;
    const by = (signer: typeof a, of = statement.id, aud = chain.view.id) => signCosign({ ...pen, signer }, aud, of);
    for (const cosigns of [
      [],
      [await by(a)],
      [await by(testSigner('d'))],
      [await by(b, before.id)],
      [await by(b, statement.id, statement.id)],
    ])
      refused(() => before.apply(statement as never, cosigns), 'owner.not_enough_signatures');
    for (const cosigner of [b, c]) expect(before.apply(statement as never, [await by(cosigner)]).seq).toBe(1);
    await expect(OwnerChain.begin({ ...pen, cosigners: [] }, { keys: [a.did, b.did], k: 2 })).rejects.toThrow(
      coded('owner.not_enough_signatures'),
    );
    await expect(OwnerChain.begin(pen, { keys: [a.did, a.did], k: 2 })).rejects.toThrow(coded('owner.conflict'));
    await expect(OwnerChain.begin(pen, { keys: [b.did], k: 1 })).rejects.toThrow(coded('owner.not_authorised'));
  });
});

describe('rotation', () => {
  const roots = (key: string, recovery: string | null, quorum = { keys: [] as string[], k: 0 }) =>
    ({ keys: [key], k: 1, recovery, quorum }) as unknown as Members<'rotate'>;

  test('the everyday root sets the first recovery key, once, and nothing else', async () => {
    const [root, recovery, thief] = [testSigner('root'), testSigner('recovery'), testSigner('thief')];
    const pen = { signer: root, random: seededRandom('rotate'), clock: () => 1_800_000_000_000 };
    const chain = await OwnerChain.begin(pen);
    await expect(chain.add('rotate', roots(thief.did, recovery.did))).rejects.toThrow(coded('owner.not_authorised'));
    await expect(chain.add('rotate', roots(root.did, null))).rejects.toThrow(coded('owner.conflict'));
    await expect(chain.add('rotate', roots(root.did, recovery.did, { keys: [thief.did], k: 1 }))).rejects.toThrow(
      coded('owner.not_authorised'),
    );
    await chain.add('rotate', roots(root.did, recovery.did));
    await expect(chain.add('rotate', roots(root.did, thief.did))).rejects.toThrow(coded('owner.not_authorised'));
    await chain.add('rotate', roots(thief.did, recovery.did), { signer: recovery });
    await expect(chain.add('epoch', { class: 'secret', n: 1 })).rejects.toThrow(coded('owner.not_authorised'));
    await chain.add('epoch', { class: 'secret', n: 1 }, { signer: thief });
  });

  test('a quorum rotates when enough of it sign; without recovery key and quorum nobody could', async () => {
    const owner = await makeOwner();
    const [q1, q2, fresh] = [testSigner('q1'), testSigner('q2'), testSigner('fresh')];
    const quorum = { keys: [q1.did, q2.did], k: 2 };
    await owner.chain.add('rotate', roots(owner.root.did, null, quorum), { signer: owner.recovery });
    await expect(owner.chain.add('rotate', roots(fresh.did, null, quorum), { signer: q1 })).rejects.toThrow(
      coded('owner.not_enough_signatures'),
    );
    await expect(
      owner.chain.add('rotate', roots(fresh.did, owner.recovery.did), { signer: owner.recovery }),
    ).rejects.toThrow(coded('owner.not_authorised'));
    await owner.chain.add('rotate', roots(fresh.did, null, quorum), { signer: q1, cosigners: [q2] });
    await expect(owner.chain.add('rotate', roots(fresh.did, null), { signer: q1, cosigners: [q2] })).rejects.toThrow(
      coded('owner.conflict'),
    );
  });

  test('an owner names no quorum at the start', async () => {
    const owner = await makeOwner();
    const { payload } = owner.chain.signed[0]!.statement as unknown as Verified<'owner'>;
    const named = { ...payload, quorum: { keys: [owner.laptop.did], k: 1 } } as unknown as Payload<'owner'>;
    const statement = verifyStatement(await sign(owner.root, 'owner', named), 'owner');
    refused(() => OwnerView.start(statement), 'owner.conflict');
  });
});

describe('contradictions', () => {
  const passkey = testPasskey('other');
  test.each<[string, (owner: TestOwner) => readonly [LaterKind, object]]>([
    ['a device twice', (o) => ['enroll', { ...enrolment(o.box), name: 'other' }]],
    ['a device name twice', () => ['enroll', { ...enrolment(tablet), name: 'box' }]],
    ['a device that is not there', () => ['revoke', { what: 'device', target: tablet.did }]],
    ['a grant that is not there', (o) => ['revoke', { what: 'grant', target: o.id }]],
    ['an approver that is not there', () => ['revoke', { what: 'approver', target: tablet.did }]],
    ['an approver twice', (o) => ['approver', { key: o.phone.did, name: 'two', passkey: null }]],
    ['an approver name twice', () => ['approver', { key: passkey.did, name: 'phone', passkey: passkey.terms }]],
    ['an approver that is no device and no passkey', () => ['approver', { key: tablet.did, name: 't', passkey: null }]],
    ['a passkey that is no passkey', (o) => ['approver', { key: o.box.did, name: 'b', passkey: passkey.terms }]],
    ['a grant to nobody', () => ['grant', testGrant({ to: { owner: null, agents: [], devices: [] } })]],
    ['a grant to oneself by name', (o) => ['grant', testGrant({ to: { owner: o.id, agents: ['*@*'], devices: [] } })]],
    [
      'two ceilings of one period',
      () => [
        'grant',
        testGrant({
          ceilings: [
            { per: 'day', uses: 1 },
            { per: 'day', uses: 2 },
          ],
        }),
      ],
    ],
    ['more approvals than approvers', (o) => ['grant', testGrant({ approvals: { k: 2, from: [o.phone.did] } })]],
    ['one key as broker and worker', (o) => ['trust', { ...trustOf(o), gate: [o.workers.memory.did] }]],
    [
      'a witness counted twice',
      (o) => ['trust', { ...trustOf(o), witnesses: [...trustOf(o).witnesses, ...trustOf(o).witnesses] }],
    ],
    ['more witnesses than there are', (o) => ['trust', { ...trustOf(o), k: 2 }]],
    [
      'a class twice',
      (o) => ['trust', { ...trustOf(o), workers: [...trustOf(o).workers, { class: 'memory', keys: [tablet.did] }] }],
    ],
  ])('%s', async (_name, make) => {
    const owner = await makeOwner();
    const [kind, members] = make(owner);
    await expect(owner.chain.add(kind, members as never)).rejects.toThrow(coded('owner.conflict'));
  });

  test('epochs count up', async () => {
    const owner = await makeOwner();
    await owner.chain.add('epoch', { class: 'secret', n: 3 });
    await expect(owner.chain.add('epoch', { class: 'secret', n: 3 })).rejects.toThrow(coded('owner.conflict'));
    await owner.chain.add('epoch', { class: 'memory', n: 1 });
    expect([owner.view.epoch('secret')?.n, owner.view.epoch('memory')?.n]).toEqual([3, 1]);
  });

  function trustOf(owner: TestOwner): Members<'trust'> {
    const { operators, log, broker, gate, workers, witnesses, k, relays } = structuredClone(owner.view.trust!);
    return { operators, log, broker, gate, workers, witnesses, k, relays } as unknown as Members<'trust'>;
  }
});

describe('revocation', () => {
  test('a device that is revoked says yes to nothing any more, and may come back', async () => {
    const owner = await makeOwner();
    await owner.chain.add('revoke', { what: 'device', target: owner.phone.did });
    expect(owner.view.approver(owner.phone.did)).toBeUndefined();
    await owner.chain.add('enroll', enrolment(owner.phone));
    expect(owner.view.device(owner.phone.did)?.name).toBe('phone');
    expect(owner.view.formerDevice(owner.phone.did)).toBeUndefined();
    expect(owner.view.approver(owner.phone.did)).toBeUndefined();
  });

  test('takes effect on sight, stays when another statement took its place, and does not undo a later enrolment', async () => {
    const owner = await makeOwner();
    const { statement: early } = await signNext(
      owner.view,
      'revoke',
      { what: 'device', target: owner.box.did },
      owner.pen,
    );
    let view = owner.view.withRemoval(early);
    expect(view.device(owner.box.did)).toBeUndefined();
    expect(view.formerDevice(owner.box.did)?.name).toBe('box');
    expect(view.deviceByName('box')).toBeUndefined();
    // Another statement was first in the log: the chain goes on from it, and the device stays out.
    const other = await signNext(owner.view, 'epoch', { class: 'secret', n: 1 }, owner.pen);
    view = view.apply(other.statement as never);
    expect(view.device(owner.box.did)).toBeUndefined();
    const again = await signNext(view, 'revoke', { what: 'device', target: owner.box.did }, owner.pen);
    view = view.apply(again.statement as never);
    const back = await signNext(view, 'enroll', enrolment(owner.box), owner.pen);
    view = view.apply(back.statement as never);
    expect(view.withRemoval(early).device(owner.box.did)?.name).toBe('box');
    expect(view.pendingRemovals()).toEqual([]);
  });

  test('by nobody but the root', async () => {
    const owner = await makeOwner();
    const members = { what: 'device', target: owner.box.did } as const;
    for (const signer of [owner.laptop.signer, owner.broker, owner.registry, owner.recovery]) {
      const statement = await forge(owner, 'revoke', members, {}, signer);
      refused(() => owner.view.withRemoval(statement), 'owner.not_authorised');
    }
    const foreign = await signNext(
      (await makeOwner('bob')).view,
      'revoke',
      { what: 'device', target: (await makeOwner('bob')).box.did },
      (await makeOwner('bob')).pen,
    );
    refused(() => owner.view.withRemoval(foreign.statement), 'owner.conflict');
  });

  test('by a stolen root counts until the owner rotates it away', async () => {
    const owner = await makeOwner();
    const { statement } = await signNext(owner.view, 'revoke', { what: 'device', target: owner.box.did }, owner.pen);
    const view = owner.view.withRemoval(statement);
    const rotated = await signNext(
      view,
      'rotate',
      { keys: [testSigner('new').did], k: 1, recovery: owner.recovery.did, quorum: { keys: [], k: 0 } },
      { ...owner.pen, signer: owner.recovery },
    );
    expect(rotated.view.device(owner.box.did)?.name).toBe('box');
  });
});

describe('freeze and thaw', () => {
  let nonces = 0;
  async function freeze(
    owner: TestOwner,
    what: 'all' | 'device' | 'agent',
    target: string | null,
    signer = owner.phone.signer,
    aud = owner.id,
  ) {
    nonces += 1;
    const nonce = `${String(nonces).padStart(21, 'A')}A`;
    const iat = owner.clock.seconds();
    return verifyStatement(await sign(signer, 'freeze', { aud, what, target, iat, nonce }), 'freeze');
  }

  test('stops one agent, one device, or everything', async () => {
    const owner = await makeOwner();
    const { box, laptop } = owner;
    const agent = owner.view.withFreeze(await freeze(owner, 'agent', 'claude@box'));
    expect(agent.frozen(box.did, 'claude@box')).toBeDefined();
    expect(agent.frozen(box.did, 'codex@box')).toBeUndefined();
    const device = owner.view.withFreeze(await freeze(owner, 'device', box.did));
    expect(device.frozen(box.did, 'codex@box')).toBeDefined();
    expect(device.frozen(laptop.did)).toBeUndefined();
    const all = owner.view.withFreeze(await freeze(owner, 'all', null));
    expect(all.frozen(laptop.did)).toBeDefined();
  });

  test('by an approver only, for this owner, with a target that fits', async () => {
    const owner = await makeOwner();
    for (const signer of [owner.root, owner.laptop.signer, owner.gate]) {
      const by = await freeze(owner, 'all', null, signer);
      refused(() => owner.view.withFreeze(by), 'owner.not_authorised');
    }
    const misfits = [
      await freeze(owner, 'all', owner.box.did),
      await freeze(owner, 'device', null),
      await freeze(owner, 'device', 'claude@box'),
      await freeze(owner, 'agent', owner.box.did),
      await freeze(owner, 'all', null, owner.phone.signer, owner.grants.memory),
    ];
    for (const misfit of misfits) refused(() => owner.view.withFreeze(misfit), 'owner.conflict');
  });

  test('an approver cannot fill the owner with freezes, and can always stop everything', async () => {
    const owner = await makeOwner();
    let { view } = owner;
    for (let i = 0; i < 16; i++) view = view.withFreeze(await freeze(owner, 'agent', `a${i}@box`));
    const more = await freeze(owner, 'agent', 'b@box');
    refused(() => view.withFreeze(more), 'owner.conflict');
    expect(view.withFreeze(await freeze(owner, 'all', null)).frozen(owner.laptop.did)).toBeDefined();
  });

  test('root and an approver lift it; the frozen device does not lift its own', async () => {
    const owner = await makeOwner();
    const frozen = await freeze(owner, 'device', owner.phone.did, owner.phone.signer);
    const view = owner.view.withFreeze(frozen);
    const thaw = (pen: object) => signNext(view, 'thaw', { freezes: [frozen.id] }, { ...owner.pen, ...pen });
    await expect(thaw({})).rejects.toThrow(coded('owner.not_enough_signatures'));
    await expect(thaw({ cosigners: [owner.laptop.signer] })).rejects.toThrow(coded('owner.not_enough_signatures'));
    await expect(thaw({ signer: owner.phone.signer })).rejects.toThrow(coded('owner.not_authorised'));
    const own = await thaw({ cosigners: [owner.phone.signer] });
    expect(own.view.frozen(owner.phone.did)).toBeDefined();
    const recovery = await thaw({ signer: owner.recovery });
    expect(recovery.view.frozen(owner.phone.did)).toBeUndefined();
  });

  test('readers that learn of a freeze before or after its thaw agree on the chain', async () => {
    const owner = await makeOwner();
    await owner.chain.add('approver', { key: owner.laptop.did, name: 'laptop', passkey: null });
    const frozen = await freeze(owner, 'device', owner.box.did);
    const signed = await signNext(
      owner.view,
      'thaw',
      { freezes: [frozen.id] },
      { ...owner.pen, cosigners: [owner.laptop.signer] },
    );
    const [early, late] = [
      owner.view.withFreeze(frozen).apply(signed.statement as never, signed.cosigns),
      signed.view.withFreeze(frozen),
    ];
    expect([early.head, early.frozen(owner.box.did)]).toEqual([late.head, undefined]);
    expect([early.isThawed(frozen.id), late.isThawed(frozen.id)]).toEqual([true, true]);
  });

  test('an accomplice that is frozen itself lifts nothing', async () => {
    const owner = await makeOwner();
    const [box, phone] = [await freeze(owner, 'device', owner.box.did), await freeze(owner, 'device', owner.phone.did)];
    const view = owner.view.withFreeze(box).withFreeze(phone);
    const { view: after } = await signNext(
      view,
      'thaw',
      { freezes: [box.id] },
      { ...owner.pen, cosigners: [owner.phone.signer] },
    );
    expect(after.frozen(owner.box.did)).toBeDefined();
  });
});

test('membership is proven against the view, and nothing else is', async () => {
  const owner = await makeOwner();
  await owner.chain.add('revoke', { what: 'device', target: owner.laptop.did });
  const { view } = owner;
  const head = owner.chain.signed.at(-1)!.statement.payload.view;
  for (const id of view.idsInForce()) verifyMember(id, await view.proveMember(id), head);
  const laptop = owner.chain.signed.find(({ statement }) => statement.kind === 'enroll')!.statement.id;
  await expect(view.proveMember(laptop)).rejects.toThrow(coded('owner.unknown'));
  const proof = await view.proveMember(owner.grants.memory);
  refused(() => verifyMember(owner.grants.secret, proof, head), 'log.bad_proof');
  refused(() => verifyMember(laptop, proof, head), 'log.bad_proof');
  refused(
    () => verifyMember(owner.grants.memory, proof, owner.chain.signed[5]!.statement.payload.view),
    'log.bad_proof',
  );
});

test('a device serves the class device for itself alone', async () => {
  const owner = await makeOwner();
  expect(owner.view.isWorker('device', owner.box.did)).toBe(true);
  expect(owner.view.isWorker('memory', owner.box.did)).toBe(false);
  expect(owner.view.isWorker('memory', owner.workers.memory.did)).toBe(true);
  expect(owner.view.isReader(owner.relay.did)).toBe(false);
  expect(owner.view.isReader(owner.gate.did)).toBe(true);
});
