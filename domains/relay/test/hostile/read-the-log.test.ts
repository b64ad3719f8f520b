import type { FrameName } from '@caponier/protocol';
import { makeDevice } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { connect, knock, ownerNamed, startRelay } from '../support.ts';

describe('logs', () => {
  it('carry no key material, no bodies and no statements', async () => {
    const ada = await ownerNamed('ada');
    const test = await startRelay();
    await connect(test, ada, ada.box.signer);
    await (await knock(test, ada, makeDevice('m', 'm', 'member').signer)).gone();
    const fields = new Set(test.logged.flatMap(({ fields }) => Object.keys(fields)));
    expect([...fields].sort()).toEqual(['address', 'code', 'device', 'owner']);
    for (const { fields } of test.logged) {
      for (const value of Object.values(fields)) expect((value as string).length).toBeLessThan(64);
    }
    const names: FrameName[] = ['hello', 'mail'];
    expect(JSON.stringify(test.logged)).not.toContain(names[1]);
  });
});
