import { describe, expect, it } from 'vitest';
import { codeOf, connect, ownerNamed, startRelay } from '../support.ts';

describe('many owners', () => {
  it('one of them cannot open all the meetings, with however many devices and connections', async () => {
    const ada = await ownerNamed('ada');
    const bob = await ownerNamed('bob');
    const test = await startRelay({ limits: { meetings: 4, meetingsPerOwner: 2 } });
    const name = (n: number) => new Uint8Array(32).fill(n);
    const shared = { hello: { mode: 'shared' as const } };
    for (const [n, signer] of [ada.laptop, ada.laptop, ada.box, ada.phone].entries()) {
      const { peer } = await connect(test, ada, signer.signer, shared);
      peer.send('meet', { channel: 1, join: false, name: name(n) });
      if (n < 2) await peer.next('met');
      else expect(codeOf(await peer.next('error'))).toBe('relay.too_many');
    }
    const { peer } = await connect(test, bob, bob.laptop.signer);
    peer.send('meet', { channel: 1, join: false, name: name(9) });
    await peer.next('met');
  });
});
