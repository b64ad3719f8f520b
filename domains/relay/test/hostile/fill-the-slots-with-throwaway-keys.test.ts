import { toBase64url } from '@caponier/crypto';
import { sign } from '@caponier/protocol';
import { testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, knock, messageId, ownerNamed, Peer, relaySigner, startRelay } from '../support.ts';

describe('a stranger', () => {
  it('with throwaway keys fills neither owners nor devices beyond their number', async () => {
    const owners = await Promise.all(['ada', 'bob', 'cat'].map((seed) => ownerNamed(seed)));
    const test = await startRelay({ limits: { owners: 2, devicesPerOwner: 2 } });
    await connect(test, owners[0]!, owners[0]!.box.signer);
    await connect(test, owners[1]!, owners[1]!.box.signer);
    expect(codeOf(await (await knock(test, owners[2]!, owners[2]!.box.signer)).gone())).toBe('relay.too_many');
    const { peer } = await connect(test, owners[0]!, owners[0]!.laptop.signer);
    expect(codeOf(await (await knock(test, owners[0]!, owners[0]!.phone.signer)).gone())).toBe('relay.too_many');
    peer.send('mail', { to: keyBytes(owners[0]!.phone.signer), id: messageId(1), seconds: 0, body: new Uint8Array(1) });
    expect(await peer.answer()).toBe('relay.too_many');
  });

  it('does not take the places that are kept for those with a ticket of the operator', async () => {
    const [ada, bob, cat] = await Promise.all(['ada', 'bob', 'cat'].map((seed) => ownerNamed(seed)));
    const operator = testSigner('operator');
    const test = await startRelay({
      limits: { owners: 2, reservedOwners: 1 },
      admission: { kind: 'open', operators: [operator.did] },
    });
    const iat = test.clock.seconds();
    const nonce = toBase64url(messageId(1));
    const ticket = await sign(operator, 'ticket', { aud: relaySigner.did, uses: 9, iat, exp: iat + 600, nonce });
    await connect(test, ada!, ada!.box.signer);
    expect(codeOf(await (await knock(test, bob!, bob!.box.signer)).gone())).toBe('relay.too_many');
    await connect(test, bob!, bob!.box.signer, { ticket });
    expect(codeOf(await (await knock(test, cat!, cat!.box.signer, { ticket })).gone())).toBe('relay.too_many');
  });
});

describe('many owners', () => {
  it('made at one address cost it its challenges: they are not given back for a new owner', async () => {
    const test = await startRelay({ limits: { challengesPerMinute: 2 } });
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    await connect(test, ada, ada.laptop.signer);
    await connect(test, ada, ada.box.signer);
    await connect(test, bob, bob.laptop.signer);
    expect(codeOf(await new Peer(test.url).gone())).toBe('relay.rate_limited');
    test.address = '192.0.2.2';
    await connect(test, ada, ada.phone.signer);
  });
});
