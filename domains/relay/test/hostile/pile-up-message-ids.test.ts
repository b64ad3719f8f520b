import { describe, expect, it } from 'vitest';
import { relayLimits } from '../../src/index.ts';
import { messageId, startRelay } from '../support.ts';

describe('ids of messages that need not be remembered any more', () => {
  it('are forgotten faster than a device can send them, however many there are', async () => {
    const test = await startRelay();
    const sender = new Uint8Array(32).fill(1);
    const recipient = new Uint8Array(32).fill(2);
    const many = 15_000;
    const take = (from: number, count: number) =>
      test.store.run('takeMail', {
        letters: Array.from({ length: count }, (_, n) => ({
          sender,
          senderOwner: null,
          recipient,
          family: 'somebody',
          serves: false,
          id: messageId(from + n),
          body: new Uint8Array(0),
          expires: Number.MAX_SAFE_INTEGER,
        })),
        limits: { ...relayLimits, pendingMail: 1e9 },
        now: test.clock(),
      });
    for (let n = 0; n < many; n += 5_000) await take(n, 5_000);
    test.clock.advance(49 * 3_600);
    for (let n = 0; n < 600; n++) test.tick();
    // Each look after that goes on where the one before ended.
    for (let n = 0; n < 3; n++) {
      await test.store.run('figures');
      await new Promise((resolve) => setTimeout(resolve, 5));
      test.tick();
    }
    await test.store.run('figures');
    expect((await take(0, many)).every((taken) => typeof taken === 'number')).toBe(true);
  });
});
