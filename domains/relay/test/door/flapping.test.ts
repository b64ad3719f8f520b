import { describe, expect, it } from 'vitest';
import { codeOf, connect, knock, ownerNamed, startRelay } from '../support.ts';

describe('two that hold one key', () => {
  it('take turns three times in 30 seconds; then the one that is there stays, and the operator hears of it once', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    const wins = [];
    for (let n = 0; n < 4; n++) wins.push((await connect(test, ada, ada.box.signer)).peer);
    const [, , third, last] = wins;
    expect(codeOf(await third!.gone())).toBe('relay.replaced');
    for (let n = 0; n < 3; n++) {
      const late = await knock(test, ada, ada.box.signer);
      expect(codeOf(await late.gone())).toBe('relay.rate_limited');
      expect(late.closed!.reason).toBe('retry-after=30');
    }
    await last!.settle();
    const told = test.logged.filter(({ event }) => event === 'relay.flapping');
    expect(told).toEqual([{ event: 'relay.flapping', fields: { device: ada.box.did, owner: ada.id, count: 3 } }]);
    // A shared one stands beside: it replaces nobody.
    await connect(test, ada, ada.box.signer, { hello: { mode: 'shared' } });
    test.clock.advance(31);
    test.tick();
    await connect(test, ada, ada.box.signer);
    expect(codeOf(await last!.gone())).toBe('relay.replaced');
  });

  it('a device that comes and goes in a loop, replacing nobody, is told to wait, too', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay({ limits: { hellosPerMinute: 3 } });
    for (let n = 0; n < 3; n++) {
      const { peer } = await connect(test, ada, ada.box.signer);
      peer.ws.close();
      await expect.poll(() => test.relay.counts().devices).toBe(0);
    }
    const late = await knock(test, ada, ada.box.signer);
    expect(codeOf(await late.gone())).toBe('relay.rate_limited');
    expect(late.closed!.reason).toBe('retry-after=20');
    // Nobody can use a device's turns up without its key.
    const bob = await ownerNamed('bob');
    for (let n = 0; n < 4; n++) await (await knock(test, ada, bob.box.signer)).gone();
    test.address = '192.0.2.2';
    await connect(test, ada, ada.laptop.signer);
  });
});
