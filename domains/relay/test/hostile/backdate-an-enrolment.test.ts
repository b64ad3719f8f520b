import { sign } from '@caponier/protocol';
import { enrolment, makeDevice, makeOwner, testGrant, testSigner } from '@caponier/testkit';
import { replayChain } from '@caponier/verify';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, knock, membershipOf, startRelay } from '../support.ts';
import { loose } from './attack.ts';

/** An owner whose first root was stolen, and rotated out; and what the thief signs with it. */
async function stolen(seed: string) {
  const owner = await makeOwner(seed);
  const before = membershipOf(owner);
  const hidden = owner.chain.signed.find(({ statement }) => statement.kind === 'grant')!.statement.payload;
  const root = testSigner(`${seed} second root`);
  const roots = { keys: [root.did], k: 1, recovery: owner.recovery.did, quorum: { keys: [], k: 0 } };
  await owner.chain.add('rotate', roots, { signer: owner.recovery });
  await owner.chain.add('grant', testGrant({ label: 'hidden' }), { signer: root });
  const thief = makeDevice(seed, 'thief', 'controller');
  const forged = ({ seq, prev }: { seq: number; prev: string }) =>
    sign(owner.root, 'enroll', { owner: owner.id, seq, prev, iat: 1, ...enrolment(thief), view: owner.id });
  return { owner, before, thief, forged, hidden: hidden as { seq: number; prev: string } };
}

describe('a root that was rotated out', () => {
  it('enrols nobody in a place before the rotation, where a relay sees a gap', async () => {
    const { owner, thief, forged, hidden } = await stolen('backdated');
    const test = await startRelay({ limits: loose });
    await connect(test, owner, owner.box.signer);
    const chain = [...membershipOf(owner), await forged(hidden)];
    expect(codeOf(await (await knock(test, owner, thief.signer, { chain })).gone())).toBe('relay.bad_hello');
    await connect(test, owner, owner.laptop.signer);
  });

  it('enrols nobody behind the newest place of the log, with the rotation left out', async () => {
    const { owner, before, thief, forged } = await stolen('postdated');
    const entries = owner.chain.signed.map(({ statement: { id, jws, kind }, cosigns }) =>
      kind === 'grant' || kind === 'policy' ? { id } : { id, statement: jws, cosigns: cosigns.map((each) => each.jws) },
    );
    const view = replayChain(entries, 'membership');
    const test = await startRelay({ limits: loose, views: { get: () => ({ view }), onChange: () => () => {} } });
    const chain = [...before, await forged({ seq: view.seq + 2, prev: owner.id })];
    const code = codeOf(await (await knock(test, owner, thief.signer, { chain })).gone());
    expect(['relay.bad_hello', 'relay.stale_chain']).toContain(code);
    expect(await test.store.read('ownerStatements', { owner: owner.id, most: 100 })).toBeNull();
    await connect(test, owner, owner.laptop.signer);
  });
});
