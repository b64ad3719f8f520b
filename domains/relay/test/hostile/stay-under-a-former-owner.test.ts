import { makeOwner, type TestOwner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import {
  codeOf,
  connect,
  keyBytes,
  listen,
  messageId,
  ownerBytes,
  ownerNamed,
  type Peer,
  startRelay,
} from '../support.ts';

/** Two owners that have both enrolled the first one's box. */
async function twoOwners(seed: string): Promise<{ ada: TestOwner; eve: TestOwner; thief: TestOwner['box'] }> {
  const [ada, eve] = [await makeOwner(`ada ${seed}`), await makeOwner(`eve ${seed}`)];
  const thief = ada.box;
  await eve.chain.add('enroll', { device: thief.did, box: thief.box, role: 'member', name: 'mine' });
  return { ada, eve, thief };
}

describe('a device of two owners', () => {
  it('keeps no connection under the owner it left: a revocation there would not find it', async () => {
    const { ada, eve, thief } = await twoOwners('two');
    const test = await startRelay();
    const laptop = await listen(test, ada, ada.laptop.signer);
    const { peer: old } = await connect(test, ada, thief.signer, { hello: { mode: 'shared' } });
    await connect(test, eve, thief.signer, { hello: { mode: 'shared' } });
    const { statement } = await ada.chain.add('revoke', { what: 'device', target: thief.did });
    await test.relay.present([statement.jws]);

    old.send('mail', { to: keyBytes(ada.laptop.signer), id: messageId(1), seconds: 0, body: new Uint8Array(8) });
    expect(codeOf(await old.gone())).toBe('relay.replaced');
    await laptop.settle();
    expect(laptop.all('deliver')).toEqual([]);
  });

  it('finds nothing of what it had under the one before: no mail, nobody it allowed; nor when it comes back', async () => {
    const { ada, eve, thief } = await twoOwners('of mail');
    const bob = await ownerNamed('bob');
    const test = await startRelay();
    const to = keyBytes(thief.signer);
    let ids = 0;
    const send = (peer: Peer) => {
      peer.send('mail', { to, id: messageId(++ids), seconds: 0, body: new Uint8Array(8) });
      return peer.answer();
    };
    const { peer: laptop } = await connect(test, ada, ada.laptop.signer);
    const { peer: theirs } = await connect(test, eve, eve.laptop.signer);
    const { peer: contact } = await connect(test, bob, bob.box.signer);
    const { peer: old } = await connect(test, ada, thief.signer);
    old.send('allow', { channel: 1, device: false, id: ownerBytes(bob), verdict: 'allow' });
    await old.next('done');
    expect([await send(laptop), await send(contact)]).toEqual(['accepted', 'accepted']);

    const box = await listen(test, eve, thief.signer);
    const refused = 'relay.not_reachable';
    expect([await send(laptop), await send(contact), await send(theirs)]).toEqual([refused, refused, 'accepted']);
    expect(await box.next('deliver')).toMatchObject({ seq: 1, from: keyBytes(eve.laptop.signer) });
    const again = await listen(test, ada, thief.signer);
    expect([await send(theirs), await send(contact), await send(laptop)]).toEqual([refused, refused, 'accepted']);
    expect(await again.next('deliver')).toMatchObject({ seq: 1, from: keyBytes(ada.laptop.signer) });
  });
});
