import { enrolment, makeDevice, makeOwner, testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, listen, startRelay, type TestRelay } from '../support.ts';

const alerts = (test: TestRelay, event: string) =>
  test.logged.filter((line) => line.event === event).map(({ fields }) => fields);

describe('what the registry says', () => {
  it('cuts a revoked device within a second, on a real socket, and tells the operator once', async () => {
    const eve = await makeOwner('eve of the registry');
    let tell = (_owner: string) => {};
    let view = eve.view;
    const test = await startRelay({
      views: {
        get: () => ({ view }),
        onChange(listener) {
          tell = listener;
          return () => {};
        },
      },
    });
    const box = await listen(test, eve, eve.box.signer);
    const { peer: laptop } = await connect(test, eve, eve.laptop.signer);
    await eve.chain.add('revoke', { what: 'device', target: eve.box.did });
    view = eve.view;
    expect(test.relay.counts().connections).toBe(2);
    tell(eve.id);
    // It waits for no message, and not for the next look at the clock: turns of the loop, since time is the machine's.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(test.relay.counts().connections).toBe(1);
    expect(codeOf(await box.gone())).toBe('relay.revoked');
    expect(alerts(test, 'relay.revoked')).toEqual([{ owner: eve.id, device: eve.box.did }]);
    // It says nothing new the next time, and nobody else was touched.
    tell(eve.id);
    await laptop.settle();
    expect(alerts(test, 'relay.revoked')).toHaveLength(1);
  });
});

describe('the operator', () => {
  it('hears of a first owner, of each first device, and of a device that comes for another owner', async () => {
    const ada = await makeOwner('ada of the keys');
    const eve = await makeOwner('eve of the keys');
    const test = await startRelay();
    await connect(test, ada, ada.box.signer);
    await connect(test, ada, ada.box.signer);
    await connect(test, ada, ada.laptop.signer);
    const address = '192.0.2.1';
    expect(alerts(test, 'relay.first_owner')).toEqual([{ owner: ada.id, device: ada.box.did, address }]);
    expect(alerts(test, 'relay.first_device').map(({ device }) => device)).toEqual([ada.box.did, ada.laptop.did]);
    expect(alerts(test, 'relay.key_changed')).toEqual([]);

    await eve.chain.add('enroll', { ...enrolment(makeDevice('x', 'x', 'member')), device: ada.box.did });
    await connect(test, eve, ada.box.signer);
    expect(alerts(test, 'relay.key_changed')).toEqual([{ owner: eve.id, device: ada.box.did, address }]);
  });

  it('hears when an owner has other roots', async () => {
    const eve = await makeOwner('eve who rotates');
    const test = await startRelay();
    await connect(test, eve, eve.laptop.signer);
    const keys = [testSigner('the new root').did];
    const roots = { keys, k: 1, recovery: eve.recovery.did, quorum: { keys: [], k: 0 } };
    await eve.chain.add('rotate', roots, { signer: eve.recovery });
    await connect(test, eve, eve.box.signer);
    expect(alerts(test, 'relay.key_changed')).toEqual([{ owner: eve.id }]);
  });

  it('hears of a revocation that a device shows, also of a device that is not connected', async () => {
    const eve = await makeOwner('eve who shows');
    const test = await startRelay();
    await connect(test, eve, eve.laptop.signer);
    const { statement } = await eve.chain.add('revoke', { what: 'device', target: eve.phone.did });
    await test.relay.present([statement.jws]);
    await test.relay.present([statement.jws]);
    expect(alerts(test, 'relay.revoked')).toEqual([{ owner: eve.id, device: eve.phone.did }]);
  });
});
