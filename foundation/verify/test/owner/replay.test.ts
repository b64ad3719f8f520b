import { CaponierError, utf8 } from '@caponier/crypto';
import { digestBody, leafClassOf, type Payload, type Verified } from '@caponier/protocol';
import { enrolment, makeDevice, makeOwner, type TestOwner, testGrant } from '@caponier/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChainEntry, type LaterKind, type OwnerView, replayChain, verifyMember } from '../../src/index.ts';

/** Random lives of an owner, replayed by full and membership readers. */

type Step = {
  readonly do: 'enroll' | 'revoke' | 'grant' | 'ungrant' | 'policy' | 'epoch' | 'approver' | 'rotate';
  readonly n: number;
};
const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('enroll', 'revoke', 'grant', 'ungrant', 'policy', 'epoch', 'approver', 'rotate'),
  n: fc.nat(7),
});

/** A step that contradicts the chain is refused and changes nothing. */
async function take(owner: TestOwner, { do: what, n }: Step): Promise<void> {
  const device = makeDevice('ada', `device${n}`, n % 2 === 0 ? 'member' : 'controller');
  const { view } = owner;
  const members = (): readonly [LaterKind, object, object?] => {
    if (what === 'enroll') return ['enroll', enrolment(device)];
    if (what === 'revoke') return ['revoke', { what: 'device', target: view.devices()[n]?.did ?? device.did }];
    if (what === 'grant') return ['grant', testGrant({ label: `grant ${n}` })];
    if (what === 'ungrant') return ['revoke', { what: 'grant', target: view.grants()[n]?.id ?? view.id }];
    if (what === 'policy') return ['policy', { name: 'p', body: digestBody(utf8(String(n)), owner.random) }];
    if (what === 'epoch') return ['epoch', { class: 'secret', n: n + 1 }];
    if (what === 'approver')
      return ['approver', { key: view.devices()[n]?.did ?? device.did, name: `a${n}`, passkey: null }];
    return [
      'rotate',
      { keys: [owner.root.did], k: 1, recovery: owner.recovery.did, quorum: { keys: [], k: 0 } },
      { signer: owner.recovery },
    ];
  };
  const [kind, payload, pen] = members();
  try {
    await owner.chain.add(kind, payload as never, pen ?? {});
  } catch (error) {
    expect(error).toMatchObject({ code: 'owner.conflict' });
    expect(owner.view).toBe(view);
  }
}

function entries(owner: TestOwner, mode: 'full' | 'membership'): ChainEntry[] {
  return owner.chain.signed.map(({ statement, cosigns }) =>
    mode === 'membership' && leafClassOf(statement.kind, statement.payload as Payload<LaterKind>) === 'private'
      ? { id: statement.id }
      : { statement: statement.jws, cosigns: cosigns.map((c) => c.jws) },
  );
}

const said = (view: OwnerView) => ({
  id: view.id,
  devices: view.devices().map((d) => `${d.name} ${d.did} ${d.role}`),
  approvers: view.approvers().map((a) => a.key),
  trust: view.trust?.id,
  roots: view.roots.id,
});

test('every chain replays to the same view, for full and for membership readers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const owner = await makeOwner();
      for (const each of steps) await take(owner, each);
      const full = replayChain(entries(owner, 'full'));
      expect(full.idsInForce()).toEqual(owner.view.idsInForce());
      expect(full.head).toBe(owner.view.head);
      const membership = replayChain(entries(owner, 'membership'), 'membership');
      expect(said(membership)).toEqual(said(owner.view));
      expect(membership.grants()).toEqual([]);
      const view = owner.chain.signed.at(-1)!.statement.payload.view;
      for (const id of full.idsInForce()) if (id !== full.head) verifyMember(id, await full.proveMember(id), view);
    }),
    { numRuns: 15 },
  );
});

test('a chain with a statement left out, doubled, swapped or replaced does not replay to another view', async () => {
  const owner = await makeOwner();
  const bob = await makeOwner('bob');
  const good = entries(owner, 'full');
  const cases = fc.record({
    at: fc.nat(good.length - 1),
    to: fc.nat(good.length - 1),
    how: fc.constantFrom('drop', 'double', 'swap', 'foreign'),
  });
  fc.assert(
    fc.property(cases, ({ at, to, how }) => {
      const chain = [...good];
      if (how === 'drop') chain.splice(at, 1);
      if (how === 'double') chain.splice(at, 0, good[at]!);
      if (how === 'swap') [chain[at], chain[to]] = [good[to]!, good[at]!];
      if (how === 'foreign') chain[at] = entries(bob, 'full')[at]!;
      const fits = (how === 'swap' && at === to) || (how === 'drop' && at === good.length - 1);
      if (fits) return;
      expect(() => replayChain(chain)).toThrow(CaponierError);
    }),
    { numRuns: 60 },
  );
});

test('a membership reader is not fooled about the place of what it may not see', async () => {
  const owner = await makeOwner();
  await owner.chain.add('grant', testGrant());
  await owner.chain.add('revoke', { what: 'device', target: owner.box.did });
  const chain = entries(owner, 'membership');
  const hidden = chain.findLastIndex((entry) => entry.statement === undefined);
  expect(replayChain(chain, 'membership').device(owner.box.did)).toBeUndefined();
  const lied = chain.with(hidden, { id: owner.id });
  expect(() => replayChain(lied, 'membership')).toThrow(expect.objectContaining({ code: 'owner.bad_prev' }));
  const left = chain.toSpliced(hidden, 1);
  expect(() => replayChain(left, 'membership')).toThrow(expect.objectContaining({ code: 'owner.bad_prev' }));
  const grant = owner.chain.signed.find(({ statement }) => statement.kind === 'grant')!.statement;
  expect(() => replayChain(chain, 'membership').apply(grant as unknown as Verified<LaterKind>)).toThrow(
    expect.objectContaining({ code: 'owner.conflict' }),
  );
});
