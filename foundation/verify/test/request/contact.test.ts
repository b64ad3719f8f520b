import { sign, verifyStatement } from '@caponier/protocol';
import { makeAgent, makeLife, makeOwner, type TestOwner, testGrant } from '@caponier/testkit';
import { beforeAll, expect, test } from 'vitest';
import { type Bench, makeBench, show, textOf } from '../worker/bench.ts';

/** An owner's data, asked for by the agent of a contact. */

let ada: TestOwner;
let bob: TestOwner;
let bench: Bench;
let grant: string;

beforeAll(async () => {
  ada = await makeOwner('ada');
  bob = await makeOwner('bob', { clock: ada.clock });
  const to = { owner: bob.id, agents: ['claude@box'], devices: [] };
  grant = (await ada.chain.add('grant', testGrant({ to, decides: 'broker' }))).statement.id;
  bench = await makeBench({ owner: ada, others: [bob] });
});

/** The delegations are the contact's own; permit and worker are the owner's. */
const lifeOf = async (asker = makeAgent(bob)) =>
  textOf(await makeLife(ada, { request: { asker: await asker, change: { grant } } }));

test('the agent of a contact uses a grant that is given to its owner', async () => {
  await show(bench, await lifeOf());
});

test('an agent of the same name at home does not', async () => {
  await expect(show(bench, await lifeOf(makeAgent(ada)))).rejects.toMatchObject({ code: 'request.bad_delegation' });
});

test('another agent of the contact does not', async () => {
  await expect(show(bench, await lifeOf(makeAgent(bob, { name: 'codex' })))).rejects.toMatchObject({
    code: 'grant.not_covered',
  });
});

test('a contact that is not followed is not believed', async () => {
  await expect(show({ ...bench, others: [] }, await lifeOf())).rejects.toMatchObject({ code: 'owner.unknown' });
});

test('either owner can freeze it', async () => {
  const text = await lifeOf();
  for (const [who, what, target] of [
    [ada, 'device', bob.box.did],
    [bob, 'agent', 'claude@box'],
  ] as const) {
    const iat = who.clock.seconds();
    const jws = await sign(who.phone.signer, 'freeze', { aud: who.id, what, target, iat, nonce: 'A'.repeat(22) });
    const view = who.view.withFreeze(verifyStatement(jws, 'freeze'));
    const frozen: TestOwner = Object.create(who, { view: { value: view } });
    const set = who === ada ? { ...bench, owner: frozen } : { ...bench, others: [frozen] };
    await expect(show(set, text)).rejects.toMatchObject({ code: 'owner.frozen' });
  }
});

test('a freeze of our own agent of that name does not stop the stranger, nor does its count mix with ours', async () => {
  const iat = ada.clock.seconds();
  const jws = await sign(ada.phone.signer, 'freeze', {
    aud: ada.id,
    what: 'agent',
    target: 'claude@box',
    iat,
    nonce: 'A'.repeat(22),
  });
  const frozen: TestOwner = Object.create(ada, {
    view: { value: ada.view.withFreeze(verifyStatement(jws, 'freeze')) },
  });
  await show({ ...bench, owner: frozen }, await lifeOf());
});

test('the contact revokes the device, and its agents are out', async () => {
  const text = await lifeOf();
  await bob.chain.add('revoke', { what: 'device', target: bob.box.did });
  await expect(show(bench, text)).rejects.toMatchObject({ code: 'owner.revoked' });
});
