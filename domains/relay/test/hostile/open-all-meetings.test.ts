import { describe, expect, it } from 'vitest';
import { countingMeter } from '../mail/counting.ts';
import { codeOf, connect, ownerNamed, startRelay } from '../support.ts';

const name = (n: number) => new Uint8Array(32).fill(n);

describe('many owners', () => {
  it('one of them cannot open all the meetings, with however many devices and connections', async () => {
    const ada = await ownerNamed('ada');
    const bob = await ownerNamed('bob');
    const test = await startRelay({ limits: { meetings: 4, meetingsPerOwner: 2 } });
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

  it('together open so many and no more, until one ends', async () => {
    const meter = countingMeter();
    const test = await startRelay({ meter, limits: { meetings: 3, meetingsPerOwner: 2 } });
    const [ada, bob] = [await ownerNamed('ada'), await ownerNamed('bob')];
    const { peer: first } = await connect(test, ada, ada.box.signer);
    const { peer: other } = await connect(test, bob, bob.box.signer);
    for (const [peer, n] of [
      [first, 1],
      [first, 2],
      [other, 3],
    ] as const) {
      peer.send('meet', { channel: n, join: false, name: name(n) });
      await peer.next('met');
    }
    other.send('meet', { channel: 4, join: false, name: name(4) });
    expect(codeOf(await other.next('error'))).toBe('relay.too_many');
    expect(test.relay.counts().meetings).toBe(3);
    expect([meter.counts.get('limit_hits meetings'), meter.counts.get('limit_hits meetingsPerOwner')]).toEqual([
      1,
      undefined,
    ]);
    first.send('leave', { channel: 1, code: 0 });
    await first.settle();
    other.send('meet', { channel: 5, join: false, name: name(5) });
    await other.next('met');
  });
});
