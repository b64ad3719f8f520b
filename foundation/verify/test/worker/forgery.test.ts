import { CaponierError } from '@caponier/crypto';
import { formOf, type Kind, type Payload, type Signer, sign, type Verified, verifyStatement } from '@caponier/protocol';
import {
  makeAgent,
  makeApproval,
  makeLife,
  makeOwner,
  type TestLife,
  type TestOwner,
  testSigner,
} from '@caponier/testkit';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type Bench, makeBench, servesSecret, show, textOf } from './bench.ts';

/**
 * Forgeries with meaning: every member of every statement changed, signed again with every key an attacker could hold, and
 * what follows linked to it and signed again with the keys that the attacker holds.
 */

type LifeKind = 'delegate' | 'request' | 'approval' | 'permit' | 'use';
const kinds: readonly LifeKind[] = ['delegate', 'request', 'approval', 'permit', 'use'];

/** Keys in the hands of one attacker, or of several together. */
interface Holder {
  readonly name: string;
  readonly keys: readonly Signer[];
}

let owner: TestOwner;
let bench: Bench;
let life: TestLife;
let holders: readonly Holder[];
let honest: Readonly<Record<LifeKind, Signer>>;

beforeAll(async () => {
  owner = await makeOwner();
  bench = await makeBench({ owner, me: servesSecret(owner) });
  const asker = await makeAgent(owner);
  const change = { class: 'secret', op: 'secret.use', resource: 'bank', grant: owner.grants.guarded };
  life = await makeLife(owner, {
    request: { asker, change },
    approvals: async (request) => [await makeApproval(owner, request)],
  });
  honest = {
    delegate: owner.box.signer,
    request: asker.signer,
    approval: owner.phone.signer,
    permit: owner.gate,
    use: asker.signer,
  };
  const [agent, sibling, bob] = [
    asker.signer,
    (await makeAgent(owner, { name: 'codex' })).signer,
    await makeOwner('bob'),
  ];
  const one = (name: string, key: Signer): Holder => ({ name, keys: [key] });
  holders = [
    one('a stranger', testSigner('stranger')),
    one('a sibling agent', sibling),
    one('another device', owner.laptop.signer),
    one('the broker', owner.broker),
    one('the gate', owner.gate),
    one('the root of another owner', bob.root),
    one('a device of another owner', bob.laptop.signer),
    one('another worker', owner.workers.memory),
    one('the worker itself', owner.workers.secret),
    one('the registry', owner.registry),
    { name: 'gate, broker and every worker', keys: [owner.gate, owner.broker, ...Object.values(owner.workers)] },
    { name: 'the agent with its sibling', keys: [agent, sibling] },
    { name: 'the agent with the broker', keys: [agent, owner.broker] },
    { name: 'the agent with another owner', keys: [agent, bob.root, bob.laptop.signer, bob.gate] },
    { name: 'the agent with the gate', keys: [agent, owner.gate] },
  ];
});

/** Another value of the same form, or several; what no form allows is left to the signer to refuse. */
function others(value: unknown): unknown[] {
  if (Array.isArray(value))
    return [[], [...value, ...(value.length ? value.map((v) => others(v)[0]) : [owner.id])], value.slice(1)];
  if (typeof value === 'number') return [value + 1, value - 1];
  if (value === null) return [owner.id, 'codex@box', { units: 1, currency: 'EUR' }];
  if (typeof value === 'object')
    return Object.entries(value as object).flatMap(([k, v]) =>
      others(v).map((o) => ({ ...(value as object), [k]: o })),
    );
  const text = value as string;
  if (text.startsWith('did:key:')) return [testSigner('other').did, owner.laptop.did];
  if (text.length === 43) return [owner.id, owner.grants.memory];
  if (text.length === 22) return ['A'.repeat(22)];
  const named = [
    'allow',
    'deny',
    'ask',
    'GET',
    'PUT',
    'other-operator',
    'memory',
    'secret.reveal',
    '/other',
    'codex@box',
    'bank2',
    'a.b',
  ];
  return [...named.filter((other) => other !== text), null];
}

async function resign<K extends Kind>(kind: K, signer: Signer, payload: object): Promise<Verified<K> | undefined> {
  if (!formOf(kind).safeParse(payload).success) return undefined;
  return verifyStatement(await sign(signer, kind, payload as Payload<K>), kind) as unknown as Verified<K>;
}

/** The life with one payload changed; what follows is linked to it where the attacker can sign, else left as it was. */
async function forge(holder: Holder, kind: LifeKind, change: object, key: Signer): Promise<TestLife | undefined> {
  const holds = (of: LifeKind) => holder.keys.some((k) => k.did === honest[of].did);
  const signerOf = (of: LifeKind) => (holds(of) ? honest[of] : key);
  let changed = false;
  const next = async <K extends LifeKind>(
    of: K,
    statement: Verified<K>,
    links: object,
  ): Promise<Verified<K> | undefined> => {
    const here = of === kind;
    if (!here && !changed) return statement;
    changed = true;
    // A link that the attacker cannot sign rightly is tried both ways: signed by them, or the old one left.
    if (!here && !holds(of)) return statement;
    return resign(of, signerOf(of), { ...statement.payload, ...links, ...(here ? change : {}) });
  };
  const delegate = await next('delegate', life.request.asker.delegations[0]!, {});
  const request = delegate && (await next('request', life.request.statement, { delegations: [delegate.id] }));
  const approval = request && (await next('approval', life.approvals[0]!, { request: request.id }));
  const permit =
    approval && request && (await next('permit', life.permit, { request: request.id, approvals: [approval.id] }));
  const use = permit && request && (await next('use', life.use, { request: request.id, permit: permit.id }));
  if (!delegate || !request || !approval || !permit || !use) return undefined;
  const asker = { ...life.request.asker, delegations: [delegate] };
  return { request: { ...life.request, asker, statement: request }, approvals: [approval], permit, use };
}

/** What an agent may say in a use of its own, and a gate (with the agent beside it) in a permit: that is no forgery. */
const rightful: Readonly<Record<string, readonly string[]>> = {
  use: ['iat', 'exp', 'nonce', 'counter'],
  permit: ['iat', 'exp', 'nonce', 'code', 'rule', 'budget', 'event', 'custody'],
};

function isRightful(holder: Holder, kind: LifeKind, member: string): boolean {
  const holds = (of: LifeKind) => holder.keys.some((k) => k.did === honest[of].did);
  return (rightful[kind]?.includes(member) ?? false) && holds(kind) && holds('use');
}

const passes = async (forged: TestLife): Promise<boolean> => {
  try {
    await show(bench, textOf(forged));
    return true;
  } catch (error) {
    if (!(error instanceof CaponierError)) throw error;
    return false;
  }
};

test('the life that is forged below is good as it stands', async () => {
  expect(await passes(life)).toBe(true);
});

test('no member of any statement, changed and signed by whomever, gets through', async () => {
  let tried = 0;
  const through: string[] = [];
  for (const holder of holders) {
    for (const kind of kinds) {
      const statement = {
        delegate: life.request.asker.delegations[0]!,
        request: life.request.statement,
        approval: life.approvals[0]!,
        permit: life.permit,
        use: life.use,
      }[kind];
      for (const [member, value] of Object.entries(statement.payload)) {
        if (isRightful(holder, kind, member)) continue;
        for (const other of others(value)) {
          if (JSON.stringify(other) === JSON.stringify(value)) continue;
          for (const key of holder.keys.slice(0, 1)) {
            const forged = await forge(holder, kind, { [member]: other }, key);
            if (!forged) continue;
            tried += 1;
            if (await passes(forged)) through.push(`${holder.name}: ${kind}.${member} = ${JSON.stringify(other)}`);
          }
        }
      }
    }
  }
  expect(through).toEqual([]);
  expect(tried).toBeGreaterThan(1000);
});

test('several members at once do not get through either', async () => {
  const cases = fc.record({
    holder: fc.nat(),
    kind: fc.constantFrom(...kinds),
    members: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ holder: h, kind, members }) => {
      const holder = holders[h % holders.length]!;
      const statement = {
        delegate: life.request.asker.delegations[0]!,
        request: life.request.statement,
        approval: life.approvals[0]!,
        permit: life.permit,
        use: life.use,
      }[kind];
      const entries = Object.entries(statement.payload).filter(([member]) => !isRightful(holder, kind, member));
      const change = Object.fromEntries(
        members.map(([m, o]) => {
          const [member, value] = entries[m % entries.length]!;
          const values = others(value);
          return [member, values[o % values.length]];
        }),
      );
      const same = Object.entries(change).every(
        ([m, v]) => JSON.stringify(v) === JSON.stringify((statement.payload as Record<string, unknown>)[m]),
      );
      const forged = same ? undefined : await forge(holder, kind, change, holder.keys[0]!);
      if (forged) expect(await passes(forged)).toBe(false);
    }),
    { numRuns: 150 },
  );
});
