import { makeOwner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, keyBytes, listen, messageId, startRelay } from '../support.ts';

describe('a device of two owners', () => {
  it('keeps no connection under the owner it left: a revocation there would not find it', async () => {
    const ada = await makeOwner('ada two');
    const eve = await makeOwner('eve two');
    const thief = ada.box;
    const { payload } = ada.chain.signed
      .map(({ statement }) => statement)
      .find(({ kind, payload }) => kind === 'enroll' && (payload as { device: string }).device === thief.did)!;
    const { box } = payload as { box: typeof thief.box };
    await eve.chain.add('enroll', { device: thief.did, box, role: 'member', name: 'mine' });

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
});
