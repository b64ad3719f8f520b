import { randomBytes } from 'node:crypto';
import { sign } from '@caponier/protocol';
import { makeOwner, testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { unpaced } from '../../src/door/proving.ts';
import { relayLimits } from '../../src/limits.ts';
import { Owners } from '../../src/owners/owners.ts';
import { codeOf, connect, helloOf, listen, membershipOf, startRelay } from '../support.ts';

describe('a stranger who names an owner', () => {
  it('and shows what takes long to judge keeps neither its revocations nor its devices waiting', async () => {
    const eve = await makeOwner('held up');
    const test = await startRelay();
    const box = await listen(test, eve, eve.box.signer);
    const thief = testSigner('a thief');
    const place = { owner: eve.id, prev: eve.view.head, iat: 1, view: eve.id, what: 'device' as const };
    const chain = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        sign(thief, 'revoke', { ...place, seq: eve.view.seq + n, target: eve.laptop.did }),
      ),
    );
    const challenge = randomBytes(32);
    const hello = await helloOf(thief, challenge, test.clock.seconds(), { owner: eve.id });
    // The strangers' turn comes when it comes: here not for a while.
    const turn = Promise.withResolvers<void>();
    let units = 0;
    const pace = (spent: number) => {
      units += spent;
      return units > 60 ? turn.promise : undefined;
    };
    const newOwners = { take: () => 0, giveBack() {} };
    const proof = test.relay.admission.prove(
      { challenge, hello, ticket: '', resume: new Uint8Array(0), chain },
      { pace, newOwners },
    );
    const refused = expect(proof).rejects.toThrow('relay.bad_hello');
    while (units <= 60) await new Promise((resolve) => setImmediate(resolve));

    const { statement } = await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    await test.relay.present([statement.jws]);
    expect(codeOf(await box.gone())).toBe('relay.revoked');
    await connect(test, eve, eve.laptop.signer);
    turn.resolve();
    await refused;
  });

  it('in news of removals keeps none of its own waiting', async () => {
    const eve = await makeOwner('held up by news');
    const { store, clock } = await startRelay();
    const owners = new Owners(store, undefined, relayLimits, clock, () => {});
    const entrance = { ticket: null, isNamed: false };
    await owners.learn(eve.id, eve.box.did, membershipOf(eve), entrance, unpaced);
    const thief = testSigner('a thief');
    const place = { owner: eve.id, prev: eve.view.head, iat: 1, view: eve.id, what: 'device' as const };
    const noise = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        sign(thief, 'revoke', { ...place, seq: eve.view.seq + 1 + n, target: eve.laptop.did }),
      ),
    );
    const turn = Promise.withResolvers<void>();
    let units = 0;
    const held = owners.present(noise, (spent) => {
      units += spent;
      return units > 100 ? turn.promise : undefined;
    });
    const refused = expect(held).rejects.toThrow();
    while (units <= 100) await new Promise((resolve) => setImmediate(resolve));

    const { statement } = await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    await owners.present([statement.jws], unpaced);
    expect(owners.standing(eve.id, eve.box.did)).toBe('revoked');
    turn.resolve();
    await refused;
    owners.close();
  });
});
