import { describe, expect, it } from 'vitest';
import { keyBytes, ownerNamed, startRelay } from '../support.ts';

describe('devices of one owner that take each other’s prekeys', () => {
  it('leave only the names of these behind', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({});
    const device = keyBytes(ada.box.signer);
    await test.store.run('registerDevice', { device, owner: ada.id, most: 10 });
    const jws = 'x'.repeat(16_000);
    const sender = (n: number) => new Uint8Array(32).fill(n);
    const fetched: string[] = [];
    const { pages: before } = await test.store.run('fullness');
    for (let n = 0; n < 100; n++) {
      await test.store.run('offerPrekeys', { device, offers: [{ id: `id ${n}`, jws, oneTime: true }], most: 100 });
      fetched.push(
        (
          await test.store.run('fetchPrekeys', {
            device,
            sender: sender(n),
            senderOwner: null,
            family: ada.id,
            serves: false,
            now: test.clock(),
            perHour: 5,
          })
        ).statement,
      );
    }
    expect(fetched).toEqual(Array(100).fill(jws));
    const { pages } = await test.store.run('fullness');
    // Kept whole they would be four hundred pages.
    expect(pages - before).toBeLessThan(50);
    // And are not taken in again.
    await test.store.run('offerPrekeys', { device, offers: [{ id: 'id 1', jws, oneTime: true }], most: 100 });
    expect(await test.store.run('oneTimeLeft', { device })).toBe(0);
  });
});
