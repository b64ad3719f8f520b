import { expect, it } from 'vitest';
import { connect, keyBytes, listen, messageId, ownerNamed, startRelay, type TestRelay } from '../support.ts';
import { countingMeter } from './counting.ts';

const hour = 3_600;

/** Old ids are looked for with every six hundredth look; the store does one thing after another. */
async function forget(test: TestRelay): Promise<void> {
  for (let n = 0; n < 600; n++) test.tick();
  await test.store.run('figures');
}

it('an id is remembered for 48 hours and no longer: until then the same mail is taken once, after that anew', async () => {
  const ada = await ownerNamed('ada');
  const meter = countingMeter();
  const test = await startRelay({ meter });
  const taken = () => [meter.counts.get('mail accepted') ?? 0, meter.counts.get('mail repeated') ?? 0];
  /** Sends the mail, each time over a new connection: none of them is silent for two days. */
  const send = async (body: number) => {
    const { peer } = await connect(test, ada, ada.laptop.signer);
    const to = keyBytes(ada.box.signer);
    peer.send('mail', { to, id: messageId(1), seconds: 0, body: new Uint8Array(100).fill(body) });
    return peer.answer();
  };
  expect(await send(1)).toBe('accepted');
  const box = await listen(test, ada, ada.box.signer);
  box.send('ack', { seq: (await box.next('deliver')).seq });
  await expect.poll(() => meter.counts.get('mail delivered')).toBe(1);
  await forget(test);
  for (const hours of [0, 47, 1]) {
    test.clock.advance(hours * hour);
    await forget(test);
    expect([await send(1), await send(2)]).toEqual(['accepted', 'relay.id_reused']);
  }
  expect(taken()).toEqual([1, 3]);
  // One millisecond later it is not known any more.
  test.clock.advance(0.001);
  await forget(test);
  expect(await send(2)).toBe('accepted');
  expect(taken()).toEqual([2, 3]);
});
