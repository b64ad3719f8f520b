import { expect, it } from 'vitest';
import { connect, keyBytes, listen, messageId, ownerNamed, startRelay } from '../support.ts';
import { countingMeter } from './counting.ts';

it('a listener that acknowledges nothing is given a window and no more, and the limit is counted', async () => {
  const ada = await ownerNamed('ada');
  for (const [limits, name] of [
    [{ mailWindow: 2 }, 'mailWindow'],
    [{ mailWindowBytes: 200 }, 'mailWindowBytes'],
  ] as const) {
    const meter = countingMeter();
    const test = await startRelay({ meter, limits });
    const box = await listen(test, ada, ada.box.signer);
    const { peer } = await connect(test, ada, ada.laptop.signer);
    for (let n = 1; n <= 5; n++) {
      const mail = { to: keyBytes(ada.box.signer), id: messageId(n), seconds: 0, body: new Uint8Array(100) };
      peer.send('mail', mail);
      await peer.next('accepted');
    }
    await box.settle();
    expect(box.all('deliver')).toHaveLength(2);
    expect(meter.counts.get(`limit_hits ${name}`)).toBe(3);
    expect(meter.counts.get('mail accepted')).toBe(5);
  }
});
