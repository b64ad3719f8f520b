import { sign } from '@caponier/protocol';
import { makeOwner, testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, freezeOf, knock, membershipOf, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('what somebody said who has no say any more', () => {
  it('a freeze by an approver that was revoked for it locks nobody out when the relay reads it again', async () => {
    const eve = await makeOwner('frozen out');
    const test = await startRelay({ limits: { ...loose, cachedOwners: 1 } });
    await connect(test, eve, eve.laptop.signer);
    const freeze = await freezeOf(eve.phone.signer, eve, eve.box.did, test.clock.seconds());
    await test.relay.present([freeze]);
    await eve.chain.add('revoke', { what: 'approver', target: eve.phone.did });
    await connect(test, eve, eve.laptop.signer);
    // Another owner takes its place in memory, as a restart would.
    const other = await makeOwner('somebody else');
    await connect(test, other, other.laptop.signer);
    await connect(test, eve, eve.laptop.signer);
    expect(codeOf(await (await knock(test, eve, eve.box.signer)).gone())).toBe('relay.frozen');
  });

  it('nor does a revocation by a root that was rotated out', async () => {
    const eve = await makeOwner('rotated out');
    const test = await startRelay({ limits: { ...loose, cachedOwners: 1 } });
    await connect(test, eve, eve.laptop.signer);
    const place = { owner: eve.id, seq: eve.view.seq + 50, prev: eve.view.head, iat: 1, view: eve.id };
    await test.relay.present([await sign(eve.root, 'revoke', { ...place, what: 'device', target: eve.box.did })]);
    const root = testSigner('the root after');
    const roots = { keys: [root.did], k: 1, recovery: eve.recovery.did, quorum: { keys: [], k: 0 } };
    await eve.chain.add('rotate', roots, { signer: eve.recovery });
    await connect(test, eve, eve.laptop.signer);
    const other = await makeOwner('somebody else');
    await connect(test, other, other.laptop.signer);
    await connect(test, eve, eve.laptop.signer, { chain: membershipOf(eve) });
  });
});
