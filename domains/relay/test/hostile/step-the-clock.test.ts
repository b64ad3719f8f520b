import { toBase64url } from '@caponier/crypto';
import { sign } from '@caponier/protocol';
import { testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, knock, messageId, ownerNamed, relaySigner, startRelay } from '../support.ts';

describe('a clock that is set back', () => {
  it('gives nobody attempts, and brings no used ticket back', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const operator = testSigner('operator');
    const test = await startRelay({
      admission: { kind: 'ticket', operators: [operator.did] },
      limits: { challengesPerMinute: 3, failuresPerMinute: 2 },
    });
    const ticket = await sign(operator, 'ticket', {
      aud: relaySigner.did,
      uses: 1,
      iat: test.clock.seconds(),
      exp: test.clock.seconds() + 600,
      nonce: toBase64url(messageId(1)),
    });
    await connect(test, ada, ada.box.signer, { ticket });
    for (let n = 0; n < 2; n++) await (await knock(test, bob, bob.box.signer, { ticket })).gone();
    expect(test.relay.turnsAway(test.address)?.status).toBe(429);
    test.clock.advance(-3_600);
    expect(test.relay.turnsAway(test.address)?.status).toBe(429);
    test.address = '192.0.2.2';
    test.clock.advance(3_600);
    expect(codeOf(await (await knock(test, bob, bob.box.signer, { ticket })).gone())).toBe('relay.not_admitted');
  });
});
