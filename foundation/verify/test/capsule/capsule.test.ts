import { fromUtf8, toBase64url, utf8 } from '@caponier/crypto';
import { fail, type Payload, sign } from '@caponier/protocol';
import { approvalFor, asDevice, makeApproval, makeOwner, testGrant, testSigner } from '@caponier/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capsuleOrder } from '../../src/capsule/checks.ts';
import { type Capsule, decodeCapsule, decodeTrustFile, encodeCapsule } from '../../src/capsule/form.ts';
import { buildCapsule, buildTrustFile, verifyCapsule } from '../../src/index.ts';
import { fullStory, type Scene, scene } from './material.ts';

const coded = (code: string) => expect.objectContaining({ code });
const judge = (bytes: Uint8Array, set: Scene, trust = set.trustFile()) =>
  verifyCapsule(bytes, trust, { now: set.now() });

test('a capsule tells a stranger the whole story, and what it does not show', async () => {
  const { set, decided, used } = await fullStory();
  const bytes = await buildCapsule(set.material(decided, [used]), set.trustFile(), { now: set.now() });
  const report = await judge(bytes, set);
  expect(report.failed).toBeNull();
  expect(report.checks.map(({ name }) => name)).toEqual(['form', ...capsuleOrder.map(({ name }) => name)]);
  expect(report.story).toMatchObject({
    owner: set.owner.id,
    asker: 'claude@box',
    op: 'secret.use',
    resource: 'bank',
    purpose: 'pay the rent',
    grant: 'guarded',
    decision: 'allow',
    rule: 'all',
    approvers: ['phone'],
    outcomes: [{ result: 'done', code: 'worker.done' }],
  });
  expect(report.notProven.join('\n')).toMatch(/one witness alone.*word of the gate.*word of the worker/s);
  expect(encodeCapsule(decodeCapsule(bytes))).toEqual(bytes);
});

test('bodies can be withheld: the rest still holds, and the report says so', async () => {
  const { set, decided, used } = await fullStory();
  const material = set.material(decided, [{ ...used, body: null }]);
  const bytes = await buildCapsule({ ...material, body: null }, set.trustFile(), { now: set.now() });
  expect(fromUtf8(bytes)).not.toContain(toBase64url(decided.request.body!));
  const { ok, notProven } = await judge(bytes, set);
  expect([ok, notProven.filter((line) => line.includes('withheld')).length]).toEqual([true, 2]);
});

test.each<[string, (set: Scene) => Parameters<Scene['decide']>[0]]>([
  ['a standing grant, used by an agent', () => ({})],
  [
    'a device that asks for its person',
    (s) => ({ request: { asker: asDevice(s.owner.laptop), change: { grant: s.owner.grants.device } } }),
  ],
  [
    'a question that nobody answered',
    (s) => ({
      request: { change: { class: 'secret', op: 'secret.use', resource: 'bank', grant: s.owner.grants.guarded } },
    }),
  ],
  [
    'an approval by passkey',
    (s) => ({
      request: { change: { class: 'secret', op: 'secret.use', resource: 'bank', grant: s.owner.grants.guarded } },
      approvers: [async (request) => s.owner.passkey.approve(approvalFor(s.owner, request))],
    }),
  ],
])('%s makes a capsule too', async (_name, options) => {
  const set = await scene();
  const decided = await set.decide(options(set));
  const uses = decided.permit.payload.decision === 'allow' ? [await set.work(decided)] : [];
  const bytes = await buildCapsule(set.material(decided, uses), set.trustFile(), { now: set.now() });
  expect((await judge(bytes, set)).failed).toBeNull();
});

test('a policy that says no, and a budget, are evaluated again', async () => {
  const set = await scene(
    '@id("rent")\n@budget("rent 900.00 EUR per month")\npermit (principal, action, resource) when { context has amount };\n',
  );
  const change = { class: 'secret', op: 'secret.use', resource: 'github', grant: set.owner.grants.secret };
  const pay = { ...change, amount: { units: 5000, currency: 'EUR' } };
  const [yes, no] = [await set.decide({ request: { change: pay } }), await set.decide({ request: { change } })];
  expect(yes.permit.payload.budget).toEqual({ name: 'rent', currency: 'EUR', before: 89_900, after: 84_900 });
  expect(no.permit.payload).toMatchObject({ decision: 'deny', code: 'policy.no_rule' });
  for (const decided of [yes, no]) {
    const bytes = await buildCapsule(set.material(decided), set.trustFile(), { now: set.now() });
    expect((await judge(bytes, set)).failed).toBeNull();
  }
});

test('what was in force then counts, though it was revoked and replaced since', async () => {
  const { set, decided, used } = await fullStory();
  set.owner.clock.advance(3600);
  await set.owner.chain.add('revoke', { what: 'grant', target: set.owner.grants.guarded });
  await set.owner.chain.add('revoke', { what: 'device', target: set.owner.box.did });
  const fresh = testSigner('fresh root');
  const roots = { keys: [fresh.did], k: 1, recovery: set.owner.recovery.did, quorum: { keys: [], k: 0 } };
  await set.owner.chain.add('rotate', roots, { signer: set.owner.recovery });
  const bytes = await buildCapsule(set.material(decided, [used]), set.trustFile(), { now: set.now() });
  expect((await judge(bytes, set)).failed).toBeNull();
});

interface Lie {
  readonly name: string;
  readonly check: string;
  readonly tell: () => Promise<{ readonly set: Scene; readonly bytes: Uint8Array; readonly trust?: Uint8Array }>;
}

/** A capsule of the full story with its content changed after it was made. */
const changed = (change: (content: Capsule, set: Scene) => object | Promise<object>) => async () => {
  const { set, decided, used } = await fullStory();
  const bytes = await buildCapsule(set.material(decided, [used]), set.trustFile(), { now: set.now() });
  const content = decodeCapsule(bytes);
  return { set, bytes: encodeCapsule({ ...content, ...(await change(content, set)) }) };
};

/** A capsule by a deployment that lies in one decision: built with the checks of the builder left out of the way. */
const decidedBy = (options: (set: Scene) => Parameters<Scene['decide']>[0]) => async () => {
  const set = await scene();
  const decided = await set.decide(options(set));
  const change = { ...options(set).request?.change };
  const resource = change.grant === set.owner.grants.guarded ? 'bank' : 'github';
  const honest = await set.decide({ request: { change: { ...change, resource } } });
  const good = decodeCapsule(await buildCapsule(set.material(honest), set.trustFile(), { now: set.now() }));
  const { index, prev, salt, body, leaf } = decided.event;
  const logged = await set.material(decided).prove('events', leaf!);
  const decision = { index, prev, salt: salt!, body: body!, logged };
  const request = decided.request.statement.jws;
  const delegations = decided.request.asker.delegations.map(({ jws }) => jws);
  const approvals = decided.approvals.map(({ jws }) => jws);
  const shown = decided.request.body && toBase64url(decided.request.body);
  return {
    set,
    bytes: encodeCapsule({
      ...good,
      request,
      delegations,
      approvals,
      body: shown,
      permit: decided.permit.jws,
      decision,
    }),
  };
};

const secret = (set: Scene) => ({
  class: 'secret',
  op: 'secret.use',
  resource: 'github',
  grant: set.owner.grants.secret,
});

const lies: readonly Lie[] = [
  {
    name: 'a forgery with keys of its own passes nothing',
    check: 'owner',
    tell: async () => {
      const { set, decided, used } = await fullStory();
      const bytes = await buildCapsule(set.material(decided, [used]), set.trustFile(), { now: set.now() });
      const bob = await makeOwner('bob');
      return { set, bytes, trust: buildTrustFile(bob.chain.wire(), bob.clock.seconds() + 9999) };
    },
  },
  {
    name: 'a trust file from before',
    check: 'owner',
    tell: async () => {
      const { set, decided, used } = await fullStory();
      const bytes = await buildCapsule(set.material(decided, [used]), set.trustFile(), { now: set.now() });
      return { set, bytes, trust: buildTrustFile(set.owner.chain.wire(), set.owner.clock.seconds() - 600) };
    },
  },
  {
    name: 'a trust file that lacks the newest trust',
    check: 'in-force',
    tell: async () => {
      const { set, decided } = await fullStory();
      const old = set.owner.chain.wire();
      const { operators, log, broker, gate, workers, witnesses, k, relays } = structuredClone(set.owner.view.trust!);
      await set.owner.chain.add('trust', { operators, log, broker, gate, workers, witnesses, k, relays } as never);
      const bytes = await buildCapsule(set.material(decided), set.trustFile(), { now: set.now() });
      return { set, bytes, trust: buildTrustFile(old, set.owner.clock.seconds()) };
    },
  },
  {
    name: 'another head of the chain',
    check: 'chain-logged',
    tell: changed(({ chain }, { owner }) => ({ chain: { ...chain, head: owner.chain.wire()[4]!.statement } })),
  },
  {
    name: 'a head that the registry signed',
    check: 'chain-head',
    tell: changed(async ({ chain }, { owner }) => {
      const { statement } = owner.chain.signed.at(-1)!;
      const head = await sign(owner.registry, 'grant', statement.payload as unknown as Payload<'grant'>);
      return { chain: { ...chain, head } };
    }),
  },
  {
    name: 'a cosign that belongs elsewhere',
    check: 'chain-head',
    tell: changed(async ({ chain }, { owner }) => {
      const iat = owner.clock.seconds();
      const jws = await sign(owner.laptop.signer, 'cosign', {
        aud: owner.id,
        of: owner.id,
        iat,
        exp: iat + 9,
        nonce: 'A'.repeat(22),
      });
      return { chain: { ...chain, cosigns: [jws] } };
    }),
  },
  {
    name: 'a member that is not in force',
    check: 'in-force',
    tell: changed(({ chain }, { owner }) => ({
      chain: {
        ...chain,
        members: [
          ...chain.members,
          {
            statement: owner.chain.wire().find((_, i) => owner.chain.signed[i]!.statement.kind === 'enroll')!.statement,
            path: chain.members[0]!.path,
          },
        ],
      },
    })),
  },
  {
    name: 'the grant left out',
    check: 'permit-issuer',
    tell: changed(({ chain }, { owner }) => ({
      chain: {
        ...chain,
        members: chain.members.filter(
          ({ statement }) => owner.chain.signed.find((s) => s.statement.jws === statement)!.statement.kind !== 'grant',
        ),
      },
    })),
  },
  {
    name: 'a permit by a gate of its own',
    check: 'permit-issuer',
    tell: decidedBy((set) => ({ request: { change: secret(set) }, signer: testSigner('own gate') })),
  },
  {
    name: 'a request by a thief',
    check: 'request-signer',
    tell: decidedBy((set) => ({ request: { change: secret(set), signer: testSigner('thief') } })),
  },
  {
    name: 'a resource beyond the grant',
    check: 'grant',
    tell: decidedBy((set) => ({ request: { change: { ...secret(set), resource: 'gitlab' } } })),
  },
  {
    name: 'a gate that says yes twice over',
    check: 'decision',
    tell: decidedBy((set) => ({ request: { change: secret(set) }, change: { uses: 2 } })),
  },
  {
    name: 'a gate that says yes where its policy names another rule',
    check: 'policy',
    tell: decidedBy((set) => ({ request: { change: secret(set) }, change: { rule: 'other' } })),
  },
  {
    name: 'a gate that denies what its policy allows',
    check: 'policy',
    tell: decidedBy((set) => ({
      request: { change: secret(set) },
      change: { decision: 'deny', uses: 0, code: 'policy.denied' },
    })),
  },
  {
    name: 'facts that the statements do not give',
    check: 'policy',
    tell: decidedBy((set) => ({
      request: { change: secret(set) },
      facts: (text) => text.replace('"github"', '"gitlab"'),
    })),
  },
  {
    name: 'facts about a call that the body does not say',
    check: 'policy',
    tell: decidedBy((set) => ({
      request: { change: secret(set) },
      facts: (text) => text.replace('"host":null', '"host":"evil.example"'),
    })),
  },
  {
    name: 'a yes without the approval',
    check: 'approvals',
    tell: decidedBy((set) => ({
      request: { change: { class: 'secret', op: 'secret.use', resource: 'bank', grant: set.owner.grants.guarded } },
      change: { decision: 'allow', uses: 1, code: 'policy.allowed' },
    })),
  },
  {
    name: 'an approval that nobody named',
    check: 'approvals',
    tell: changed(async (_content, { owner }) => {
      const { request, approvals } = _content;
      const other = await makeApproval(owner, {
        statement: { id: owner.id, payload: { grant: owner.grants.guarded } },
      } as never);
      return { request, approvals: [...approvals, other.jws] };
    }),
  },
  {
    name: 'parameters that were not signed',
    check: 'request-body',
    tell: changed(() => ({ body: toBase64url(utf8('{}')) })),
  },
  { name: 'another text of the policy', check: 'policy', tell: changed(({ policy }) => ({ policy: `${policy} ` })) },
  {
    name: 'an event of another decision',
    check: 'decision-event',
    tell: changed(({ uses }) => ({ decision: uses[0]!.worker!.intent })),
  },
  {
    name: 'an event at another place in the log',
    check: 'decision-event',
    tell: changed(({ decision, uses }) => ({ decision: { ...decision, logged: uses[0]!.worker!.intent.logged } })),
  },
  {
    name: 'a use by another key',
    check: 'uses',
    tell: changed(async ({ uses }, { owner }) => {
      const payload = JSON.parse(
        fromUtf8(
          Uint8Array.from(atob(uses[0]!.use!.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
            c.charCodeAt(0),
          ),
        ),
      );
      return { uses: [{ ...uses[0]!, use: await sign(owner.laptop.signer, 'use', payload) }] };
    }),
  },
  { name: 'one use told twice', check: 'uses', tell: changed(({ uses }) => ({ uses: [...uses, ...uses] })) },
  {
    name: 'an outcome by another worker',
    check: 'outcomes',
    tell: changed(async ({ uses }, { owner }) => {
      const payload = JSON.parse(
        fromUtf8(
          Uint8Array.from(atob(uses[0]!.outcome.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')), (c) =>
            c.charCodeAt(0),
          ),
        ),
      );
      return { uses: [{ ...uses[0]!, outcome: await sign(owner.workers.memory, 'outcome', payload) }] };
    }),
  },
  {
    name: 'an answer that the worker did not give',
    check: 'outcomes',
    tell: changed(({ uses }) => ({ uses: [{ ...uses[0]!, body: toBase64url(utf8('{}')) }] })),
  },
  {
    name: 'events of the worker in the wrong order',
    check: 'use-events',
    tell: changed(({ uses }) => {
      const { intent, outcome } = uses[0]!.worker!;
      return { uses: [{ ...uses[0]!, worker: { intent: outcome, outcome: intent } }] };
    }),
  },
];

test.each(lies)('refused by $check: $name', async ({ check, tell }) => {
  const { set, bytes, trust } = await tell();
  const report = await judge(bytes, set, trust ?? set.trustFile());
  expect(report.failed?.check).toBe(check);
  expect([report.ok, report.story, report.notProven]).toEqual([false, null, []]);
});

test('a builder gives out nothing that a stranger would refuse', async () => {
  const set = await scene();
  const decided = await set.decide({ request: { change: secret(set) }, change: { rule: 'other' } });
  await expect(buildCapsule(set.material(decided), set.trustFile(), { now: set.now() })).rejects.toThrow(
    coded('capsule.refused'),
  );
  const { decided: known, ...rest } = set.material(decided);
  await expect(
    buildCapsule({ ...rest, decided: { ...known, decisions: [] } }, set.trustFile(), { now: set.now() }),
  ).rejects.toThrow(coded('capsule.malformed'));
});

test('rubbish is refused by its form, and a rubbish trust file with a code', async () => {
  const { set } = await fullStory();
  const trust = set.trustFile();
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }),
        fc.json().map((text) => utf8(text)),
      ),
      async (bytes) => {
        expect((await verifyCapsule(bytes, trust, { now: 0 })).failed).toEqual({
          check: 'form',
          code: 'capsule.malformed',
        });
        await expect(verifyCapsule(bytes, bytes, { now: 0 })).rejects.toThrow(coded('capsule.bad_trust_file'));
      },
    ),
    { numRuns: 50 },
  );
});

test('a trust file holds what its owner signed, in order, and nothing else', async () => {
  const { set } = await fullStory();
  const { owner } = set;
  const content = decodeTrustFile(set.trustFile());
  const write = (statements: typeof content.statements) => utf8(JSON.stringify({ ...content, statements }));
  const bob = decodeTrustFile(buildTrustFile((await makeOwner('bob')).chain.wire(), content.asOf));
  const grant = owner.chain.wire().at(-1)!;
  const files = [
    write([]),
    write(content.statements.toReversed()),
    write([...content.statements, content.statements.at(-1)!]),
    write([content.statements[0]!, bob.statements[1]!]),
    write([...content.statements, { statement: grant.statement, cosigns: [] }]),
    write([content.statements[1]!]),
  ];
  for (const file of files)
    await expect(verifyCapsule(new Uint8Array(0), file, { now: 0 })).rejects.toThrow(coded('capsule.bad_trust_file'));
  expect(() => buildTrustFile([], 0)).toThrow(coded('capsule.bad_trust_file'));
});

test('what is not ours is thrown on, not reported as a failed check', async () => {
  const { set, decided } = await fullStory();
  const material = { ...set.material(decided), prove: () => Promise.reject(fail('host.unreachable')) };
  await expect(buildCapsule(material, set.trustFile(), { now: set.now() })).rejects.toThrow(coded('host.unreachable'));
  await set.owner.chain.add('grant', testGrant());
});
