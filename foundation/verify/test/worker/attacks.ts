import { utf8 } from '@caponier/crypto';
import { type ErrorCode, sign, type Verified, verifyStatement } from '@caponier/protocol';
import {
  approvalFor,
  asDevice,
  makeAgent,
  makeApproval,
  makeDelegate,
  makeDevice,
  makeLife,
  makeOwner,
  makePermit,
  makeRequest,
  makeUse,
  type TestAsker,
  type TestOwner,
  testGrant,
  testLedger,
  testSigner,
} from '@caponier/testkit';
import { type Bench, makeBench, servesSecret, textOf } from './bench.ts';

/**
 * One attack for each thing that a check looks at. It passes every other check: so where its check is gone, it gets
 * through. `docs/checks.md` lists them by name.
 */
export interface Attack {
  readonly check: string;
  readonly name: string;
  readonly code: ErrorCode;
  readonly make: () => Promise<{ readonly bench: Bench; readonly text: Uint8Array }>;
}

const past = (owner: TestOwner, seconds: number) => ({
  iat: owner.clock.seconds() - seconds - 60,
  exp: owner.clock.seconds() - seconds,
});
const future = (owner: TestOwner) => ({ iat: owner.clock.seconds() + 100, exp: owner.clock.seconds() + 200 });

const memory = async (
  change: (owner: TestOwner) => Promise<Parameters<typeof makeLife>[1]>,
  bench: Partial<Bench> = {},
) => {
  const owner = bench.owner ?? (await makeOwner());
  return { bench: await makeBench({ owner, ...bench }), text: textOf(await makeLife(owner, await change(owner))) };
};

/** A use of the guarded grant, with whatever approvals are given. */
const guarded = async (approvals: (owner: TestOwner) => Parameters<typeof makeLife>[1]) => {
  const owner = await makeOwner();
  const change = { class: 'secret', op: 'secret.use', resource: 'bank', grant: owner.grants.guarded };
  const life = await makeLife(owner, { request: { change }, ...approvals(owner) });
  return { bench: await makeBench({ owner, me: servesSecret(owner) }), text: textOf(life) };
};

const approvedBy = (change: Parameters<typeof makeApproval>[2]) => () => ({
  approvals: async (request: Parameters<typeof makeApproval>[1]) => [
    await makeApproval(await sameOwner, request, change),
  ],
});
// The seed makes the owner, so an approval can be made apart from the bench that it is shown to.
const sameOwner = makeOwner();

/** An agent whose delegations are forged: `links` change one level each. */
const delegated = (links: (owner: TestOwner) => Promise<TestAsker>, change = {}) =>
  memory(async (owner) => ({ request: { asker: await links(owner), change } }));

async function chained(
  owner: TestOwner,
  levels: readonly { signer?: TestOwner['root']; seconds?: number; change?: object }[],
): Promise<TestAsker> {
  const agent = 'claude@box';
  const delegations: Verified<'delegate'>[] = [];
  let above = owner.box.signer;
  for (const [i, { signer = above, seconds = 3600, change = {} }] of levels.entries()) {
    const below = testSigner(`chained ${i}`);
    const parent = delegations.at(-1)?.id ?? null;
    const members = { device: owner.box.did, key: below.did, agent, parent, ...change };
    delegations.push(await makeDelegate(owner, signer, members, seconds));
    above = below;
  }
  return { device: owner.box, agent: delegations.at(-1)!.payload.agent, signer: above, delegations };
}

async function freezing(payload: {
  what: 'all' | 'device' | 'agent';
  target: string | null;
}): ReturnType<Attack['make']> {
  const owner = await makeOwner();
  const text = textOf(await makeLife(owner));
  const iat = owner.clock.seconds();
  const jws = await sign(owner.phone.signer, 'freeze', { aud: owner.id, ...payload, iat, nonce: 'A'.repeat(22) });
  const view = owner.view.withFreeze(verifyStatement(jws, 'freeze'));
  return { bench: await makeBench({ owner, dated: () => ({ view }) }), text };
}

export const attacks: readonly Attack[] = [
  {
    check: 'permit-issuer',
    name: 'a permit by a broker that the owner does not name',
    code: 'permit.bad_issuer',
    make: () => memory(async () => ({ permit: { signer: testSigner('lying broker') } })),
  },
  {
    check: 'permit-issuer',
    name: 'a permit by the gate where the grant names the broker',
    code: 'permit.bad_issuer',
    make: () => memory(async (owner) => ({ permit: { signer: owner.gate } })),
  },
  {
    check: 'permit-issuer',
    name: 'a permit that the agent wrote itself',
    code: 'permit.bad_issuer',
    make: () => memory(async (owner) => ({ permit: { signer: (await makeAgent(owner)).signer } })),
  },
  {
    check: 'request-signer',
    name: 'a request in the name of one agent, signed by its sibling',
    code: 'request.bad_signer',
    make: () =>
      memory(async (owner) => {
        const sibling = await makeAgent(owner, { name: 'codex' });
        return { request: { asker: { ...(await makeAgent(owner)), signer: sibling.signer } } };
      }),
  },
  {
    check: 'request-signer',
    name: 'a request in the name of a device, signed by its agent',
    code: 'request.bad_signer',
    make: () =>
      memory(async (owner) => ({
        request: {
          asker: { ...asDevice(owner.box), signer: (await makeAgent(owner)).signer },
          change: { grant: owner.grants.device },
        },
      })),
  },
  {
    check: 'delegations',
    name: 'a delegation by another device',
    code: 'request.bad_delegation',
    make: () => delegated((owner) => chained(owner, [{ signer: owner.laptop.signer }])),
  },
  {
    check: 'delegations',
    name: 'a delegation for another owner',
    code: 'request.bad_delegation',
    make: () => delegated(async (owner) => chained(owner, [{ change: { aud: (await makeOwner('bob')).id } }])),
  },
  {
    check: 'delegations',
    name: 'a delegation that names an agent of another device',
    code: 'request.bad_delegation',
    make: () => delegated((owner) => chained(owner, [{ change: { agent: 'claude@laptop' } }])),
  },
  {
    check: 'delegations',
    name: 'an agent that delegates in the name of its sibling',
    code: 'request.bad_delegation',
    make: () => delegated((owner) => chained(owner, [{}, { change: { agent: 'codex@box' } }])),
  },
  {
    check: 'delegations',
    name: 'a delegation that outlives the one above',
    code: 'request.bad_delegation',
    make: () => delegated((owner) => chained(owner, [{ seconds: 100 }, { seconds: 200 }])),
  },
  {
    check: 'delegations',
    name: 'a delegation that is wider than the one above',
    code: 'request.exceeds_delegation',
    make: () =>
      delegated((owner) => chained(owner, [{ change: { resources: ['note*'] } }, { change: { resources: ['n*'] } }])),
  },
  {
    check: 'delegations',
    name: 'a delegation under another parent',
    code: 'request.bad_delegation',
    make: () => delegated((owner) => chained(owner, [{}, { change: { parent: null } }])),
  },
  {
    check: 'delegations',
    name: 'a request beyond its delegation',
    code: 'request.exceeds_delegation',
    make: () => delegated((owner) => chained(owner, [{ change: { ops: ['memory.put'] } }])),
  },
  {
    check: 'enrolment',
    name: 'a request by a device that was never enrolled',
    code: 'owner.not_enrolled',
    make: () =>
      memory(async (owner) => ({
        request: {
          asker: asDevice(makeDevice('mallory', 'box', 'controller')),
          change: { grant: owner.grants.device },
        },
      })),
  },
  {
    check: 'agreement',
    name: 'a permit for another request of the same agent',
    code: 'permit.request_mismatch',
    make: async () => {
      const owner = await makeOwner();
      const [asked, used] = [await makeRequest(owner), await makeRequest(owner, { change: { resource: 'diary' } })];
      const permit = await makePermit(owner, asked);
      const life = { request: used, approvals: [], permit, use: await makeUse(owner, used, permit) };
      return { bench: await makeBench({ owner }), text: textOf(life) };
    },
  },
  {
    check: 'agreement',
    name: 'a permit under a wider grant than the request names',
    code: 'permit.request_mismatch',
    make: () =>
      memory(async (owner) => {
        const { statement } = await owner.chain.add('grant', testGrant({ decides: 'broker', resources: ['nothing'] }));
        return {
          request: { change: { grant: statement.id } },
          permit: { signer: owner.broker, change: { grant: owner.grants.memory } },
        };
      }),
  },
  {
    check: 'decision',
    name: 'a permit that says no',
    code: 'permit.not_allowed',
    make: () => memory(async () => ({ permit: { change: { decision: 'deny' } } })),
  },
  {
    check: 'decision',
    name: 'a permit that asks',
    code: 'permit.not_allowed',
    make: () => memory(async () => ({ permit: { change: { decision: 'ask' } } })),
  },
  {
    check: 'decision',
    name: 'a permit for more uses than were asked for',
    code: 'permit.not_allowed',
    make: () => memory(async () => ({ permit: { change: { uses: 2 } } })),
  },
  {
    check: 'request-body',
    name: 'other parameters than the request signed',
    code: 'permit.request_mismatch',
    make: async () => {
      const owner = await makeOwner();
      const body = utf8('{"key":"all"}');
      const life = await makeLife(owner, { use: { body } });
      return { bench: await makeBench({ owner }), text: textOf(life, body) };
    },
  },
  {
    check: 'audience',
    name: 'a request for another worker',
    code: 'request.wrong_audience',
    make: () =>
      memory(async (owner) => ({
        request: { change: { aud: owner.workers.config.did } },
        permit: { change: { aud: owner.workers.memory.did } },
        use: { change: { aud: owner.workers.memory.did } },
      })),
  },
  {
    check: 'audience',
    name: 'a permit for another worker',
    code: 'permit.wrong_audience',
    make: () => memory(async (owner) => ({ permit: { change: { aud: owner.workers.config.did } } })),
  },
  {
    check: 'operation',
    name: 'an operation that the worker does not have',
    code: 'request.wrong_operation',
    make: () =>
      memory(async (owner) => {
        const { statement } = await owner.chain.add('grant', testGrant({ decides: 'broker', ops: ['memory.wipe'] }));
        const asker = await makeAgent(owner, { change: { ops: ['memory.wipe'] } });
        return { request: { asker, change: { op: 'memory.wipe', grant: statement.id } } };
      }),
  },
  {
    check: 'class',
    name: 'a class of data that the worker does not serve',
    code: 'request.wrong_class',
    make: () =>
      memory(async (owner) => {
        const { statement } = await owner.chain.add('grant', testGrant({ decides: 'broker', class: 'config' }));
        const asker = await makeAgent(owner, { change: { classes: ['config'] } });
        const change = { class: 'config', grant: statement.id, aud: owner.workers.memory.did };
        return { request: { asker, change } };
      }),
  },
  {
    check: 'class',
    name: 'an owner whose trust does not name the worker',
    code: 'request.wrong_class',
    make: async () => {
      const owner = await makeOwner();
      const me = { ...(await makeBench({ owner })).me, did: testSigner('stranger').did };
      const change = { aud: me.did };
      return { bench: await makeBench({ owner, me }), text: textOf(await makeLife(owner, { request: { change } })) };
    },
  },
  {
    check: 'resource',
    name: 'a resource that the operation does not know',
    code: 'request.wrong_resource',
    make: () => memory(async () => ({ request: { change: { resource: '../notes' } } })),
  },
  {
    check: 'request-times',
    name: 'a request that is over',
    code: 'request.expired',
    make: () => memory(async (owner) => ({ request: { change: past(owner, 61) } })),
  },
  {
    check: 'request-times',
    name: 'a request from the future',
    code: 'request.expired',
    make: () => memory(async (owner) => ({ request: { change: future(owner) } })),
  },
  {
    check: 'request-times',
    name: 'a request that would be good for years',
    code: 'request.expired',
    make: () => memory(async (owner) => ({ request: { change: { exp: owner.clock.seconds() + 10 ** 8 } } })),
  },
  {
    check: 'request-times',
    name: 'a delegation that is over',
    code: 'request.delegation_expired',
    make: () => memory(async (owner) => ({ request: { asker: await makeAgent(owner, { change: past(owner, 61) }) } })),
  },
  {
    check: 'permit-times',
    name: 'a permit that is over',
    code: 'permit.expired',
    make: () => memory(async (owner) => ({ permit: { change: past(owner, 61) } })),
  },
  {
    check: 'permit-times',
    name: 'a permit that would be good for a day',
    code: 'permit.expired',
    make: () => memory(async (owner) => ({ permit: { change: { exp: owner.clock.seconds() + 86_400 } } })),
  },
  {
    check: 'fresh',
    name: 'a view that no witness vouched for within half a minute',
    code: 'owner.stale_view',
    make: async () => {
      const owner = await makeOwner();
      const then = owner.clock.seconds() - 31;
      return memory(async () => ({}), { owner, dated: () => ({ asOf: then, newest: then }) });
    },
  },
  {
    check: 'fresh',
    name: 'a log that was rolled back',
    code: 'log.rolled_back',
    make: () => memory(async () => ({}), { dated: () => ({ trouble: 'log.rolled_back' }) }),
  },
  {
    check: 'revoked',
    name: 'an agent on a device that was revoked',
    code: 'owner.revoked',
    make: async () => {
      const owner = await makeOwner();
      const text = textOf(await makeLife(owner));
      await owner.chain.add('revoke', { what: 'device', target: owner.box.did });
      return { bench: await makeBench({ owner }), text };
    },
  },
  {
    check: 'revoked',
    name: 'a grant that was revoked',
    code: 'owner.revoked',
    make: async () => {
      const owner = await makeOwner();
      const text = textOf(await makeLife(owner));
      await owner.chain.add('revoke', { what: 'grant', target: owner.grants.memory });
      return { bench: await makeBench({ owner }), text };
    },
  },
  {
    check: 'frozen',
    name: 'an agent that is frozen',
    code: 'owner.frozen',
    make: () => freezing({ what: 'agent', target: 'claude@box' }),
  },
  {
    check: 'frozen',
    name: 'everything is frozen',
    code: 'owner.frozen',
    make: () => freezing({ what: 'all', target: null }),
  },
  {
    check: 'frozen',
    name: 'an agent on a device that is frozen',
    code: 'owner.frozen',
    make: async () => freezing({ what: 'device', target: (await makeOwner()).box.did }),
  },
  ...(
    [
      ['another agent than the grant names', { to: { owner: null, agents: ['codex@*'], devices: [] } }, {}],
      ['another operation than the grant names', { ops: ['memory.put'] }, {}],
      ['another resource than the grant names', { resources: ['no*'] }, { resource: 'diary' }],
      ['another purpose than the grant names', { purpose: 'travel' }, { purpose: 'travels' }],
      ['another class than the grant names', { class: 'config' }, {}],
    ] as const
  ).map(
    ([name, terms, change]): Attack => ({
      check: 'grant',
      name,
      code: 'grant.not_covered',
      make: () =>
        memory(async (owner) => {
          const { statement } = await owner.chain.add(
            'grant',
            testGrant({ decides: 'broker', ...structuredClone(terms) } as object),
          );
          return { request: { change: { grant: statement.id, ...change } } };
        }),
    }),
  ),
  {
    check: 'grant',
    name: 'a grant that is over',
    code: 'grant.not_covered',
    make: () =>
      memory(async (owner) => {
        const { statement } = await owner.chain.add(
          'grant',
          testGrant({ decides: 'broker', exp: owner.clock.seconds() }),
        );
        return { request: { change: { grant: statement.id } } };
      }),
  },
  {
    check: 'ceilings',
    name: 'a use above the ceiling, under a grant that replaced another',
    code: 'grant.ceiling_reached',
    make: async () => {
      const owner = await makeOwner();
      const ledger = { ...testLedger(), counts: async () => ({ hour: 0, day: 5, total: 5 }) };
      return memory(
        async () => {
          const { statement } = await owner.chain.add(
            'grant',
            testGrant({ decides: 'broker', ceilings: [{ per: 'day', uses: 5 }] }),
          );
          return { request: { change: { grant: statement.id } } };
        },
        { owner, ledger },
      );
    },
  },
  {
    check: 'approvals',
    name: 'no approval where the grant asks for one',
    code: 'approval.missing',
    make: () => guarded(() => ({})),
  },
  {
    check: 'approvals',
    name: 'an approval by a device that is no approver',
    code: 'approval.invalid',
    make: async () => guarded(approvedBy({ signer: (await sameOwner).laptop.signer })),
  },
  {
    check: 'approvals',
    name: 'an approval by the gate itself',
    code: 'approval.invalid',
    make: async () => guarded(approvedBy({ signer: (await sameOwner).gate })),
  },
  {
    check: 'approvals',
    name: 'an approval of another request',
    code: 'approval.invalid',
    make: async () => guarded(approvedBy({ change: { request: (await sameOwner).id } })),
  },
  {
    check: 'approvals',
    name: 'an approval that another gate asked for',
    code: 'approval.invalid',
    make: async () => guarded(approvedBy({ change: { aud: (await sameOwner).broker.did } })),
  },
  {
    check: 'approvals',
    name: 'an approval under another policy',
    code: 'approval.invalid',
    make: async () => guarded(approvedBy({ change: { policy: null } })),
  },
  {
    check: 'approvals',
    name: 'an approval that says no',
    code: 'approval.invalid',
    make: async () => guarded(approvedBy({ change: { decision: 'deny' } })),
  },
  {
    check: 'approvals',
    name: 'an approval that is over',
    code: 'approval.invalid',
    make: async () => guarded(approvedBy({ change: past(await sameOwner, 61) })),
  },
  {
    check: 'approvals',
    name: 'an approval by a passkey on another page',
    code: 'approval.invalid',
    make: () =>
      guarded((owner) => ({
        approvals: async (request) => [
          owner.passkey.approve(approvalFor(owner, request), { origin: 'https://evil.example' }),
        ],
      })),
  },
  {
    check: 'approvals',
    name: 'an approval by a passkey for another site',
    code: 'approval.invalid',
    make: () =>
      guarded((owner) => ({
        approvals: async (request) => [owner.passkey.approve(approvalFor(owner, request), { rpId: 'evil.example' })],
      })),
  },
  {
    check: 'use-signer',
    name: 'a stolen permit without the key of the agent',
    code: 'use.bad_signer',
    make: () => memory(async () => ({ use: { signer: testSigner('thief') } })),
  },
  {
    check: 'use-proof',
    name: 'a use on another path',
    code: 'use.mismatch',
    make: () => memory(async () => ({ use: { change: { path: '/use?x=1' } } })),
  },
  {
    check: 'use-proof',
    name: 'a use by another method',
    code: 'use.mismatch',
    make: () => memory(async () => ({ use: { change: { method: 'GET' } } })),
  },
  {
    check: 'use-proof',
    name: 'a use over another body',
    code: 'use.mismatch',
    make: () => memory(async () => ({ use: { body: utf8('other') } })),
  },
  {
    check: 'use-proof',
    name: 'a use at another worker',
    code: 'use.mismatch',
    make: () => memory(async (owner) => ({ use: { change: { aud: owner.workers.secret.did } } })),
  },
  {
    check: 'use-proof',
    name: 'a use of another permit',
    code: 'use.mismatch',
    make: () => memory(async (owner) => ({ use: { change: { permit: owner.id } } })),
  },
  {
    check: 'use-times',
    name: 'a proof of use that is over',
    code: 'use.expired',
    make: () => memory(async (owner) => ({ use: { change: past(owner, 61) } })),
  },
  {
    check: 'use-times',
    name: 'a proof of use that would be good for an hour',
    code: 'use.expired',
    make: () => memory(async (owner) => ({ use: { change: { exp: owner.clock.seconds() + 3600 } } })),
  },
];
