import { enrolment, makeDevice, makeOwner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, knock, membershipOf, ownerNamed, startRelay } from '../support.ts';
import { loose } from './attack.ts';

describe('whoever comes first', () => {
  it('does not get a slot by it: not the key of another, nor an owner that is not theirs', async () => {
    const ada = await ownerNamed('ada');
    const mallory = await makeOwner('mallory squats');
    const thief = makeDevice('mallory squats', 'thief', 'controller');
    // Enrolled by mallory under the very key of ada's box: the statement is good, the key is not theirs to sign with.
    await mallory.chain.add('enroll', { ...enrolment(ada.box), name: 'mine' });
    const test = await startRelay({ limits: loose });
    const tries: Parameters<typeof knock>[] = [
      [test, ada, thief.signer],
      [test, ada, thief.signer, { chain: membershipOf(mallory) }],
      [test, ada, thief.signer, { chain: [...membershipOf(ada), ...membershipOf(mallory)] }],
      [test, ada, thief.signer, { chain: [] }],
      [test, ada, mallory.root],
      [test, mallory, thief.signer],
    ];
    for (const attempt of tries)
      expect(['relay.bad_hello', 'relay.stale_resume']).toContain(codeOf(await (await knock(...attempt)).gone()));
    const { peer } = await connect(test, ada, ada.box.signer);
    await peer.settle();
  });
});
