import { toBase64url } from '@caponier/crypto';
import { type Payload, sign } from '@caponier/protocol';
import { testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import { codeOf, connect, knock, messageId, ownerNamed, relaySigner, startRelay, type TestRelay } from '../support.ts';

const operator = testSigner('operator');
const policy = { kind: 'ticket', operators: [operator.did] } as const;

function ticketFor(test: TestRelay, members: Partial<Payload<'ticket'>> = {}): Promise<string> {
  const seconds = test.clock.seconds();
  const nonce = toBase64url(messageId(9));
  return sign(operator, 'ticket', {
    aud: relaySigner.did,
    uses: 1,
    iat: seconds,
    exp: seconds + 600,
    nonce,
    ...members,
  });
}

/** What comes of an attempt: `welcome`, or the code of its close. */
async function attempt(test: TestRelay, seed: string, ticket: string, address: string): Promise<string> {
  const owner = await ownerNamed(seed);
  test.address = address;
  const peer = await knock(test, owner, owner.box.signer, { ticket });
  return Promise.race([peer.next('welcome').then(() => 'welcome'), peer.gone().then(codeOf)]).catch(() => 'nothing');
}

describe('a ticket', () => {
  it('is used by one of those who show it at the same time', async () => {
    const test = await startRelay({ admission: policy });
    const ticket = await ticketFor(test);
    await Promise.all(['ada', 'bob', 'cat', 'dan'].map(ownerNamed));
    const outcomes = await Promise.all(
      ['ada', 'bob', 'cat', 'dan'].map((seed, n) => attempt(test, seed, ticket, `192.0.2.${n}`)),
    );
    expect(outcomes.sort()).toEqual(['relay.not_admitted', 'relay.not_admitted', 'relay.not_admitted', 'welcome']);
  });

  it('of several uses admits so many owners, and no owner twice', async () => {
    const test = await startRelay({ admission: policy });
    const ticket = await ticketFor(test, { uses: 2 });
    for (const seed of ['ada', 'ada', 'bob']) {
      expect(await attempt(test, seed, ticket, '192.0.2.1')).toBe('welcome');
    }
    expect(await attempt(test, 'cat', ticket, '192.0.2.2')).toBe('relay.not_admitted');
  });

  it('of no use is none', async () => {
    const test = await startRelay({ admission: policy });
    await expect(ticketFor(test, { uses: 0 })).rejects.toThrow('statement.bad_payload');
  });

  it('is good at the relay it names, and at no other of the same operator', async () => {
    const another = await startRelay({ admission: policy, signer: testSigner('another relay') });
    const ticket = await ticketFor(another);
    const owner = await ownerNamed('ada');
    const hello = { aud: testSigner('another relay').did };
    const peer = await knock(another, owner, owner.box.signer, { ticket, hello });
    expect(codeOf(await peer.gone())).toBe('relay.not_admitted');
    const test = await startRelay({ admission: policy });
    expect(await attempt(test, 'ada', await ticketFor(test), '192.0.2.1')).toBe('welcome');
  });

  it('opens, where everybody is admitted, the places that are reserved, and spares the rate of new owners', async () => {
    const test = await startRelay({
      admission: { kind: 'open', operators: [operator.did] },
      limits: { owners: 3, reservedOwners: 2, newOwnersPerHour: 1 },
    });
    expect(await attempt(test, 'ada', '', '192.0.2.1')).toBe('welcome');
    expect(await attempt(test, 'bob', '', '192.0.2.2')).toBe('relay.rate_limited');
    expect(await attempt(test, 'bob', await ticketFor(test), '192.0.2.3')).toBe('welcome');
    test.clock.advance(3600);
    expect(await attempt(test, 'cat', '', '192.0.2.4')).toBe('relay.too_many');
    const forged = await sign(testSigner('nobody'), 'ticket', {
      aud: relaySigner.did,
      uses: 1,
      iat: test.clock.seconds(),
      exp: test.clock.seconds() + 60,
      nonce: toBase64url(messageId(4)),
    });
    expect(await attempt(test, 'cat', forged, '192.0.2.5')).toBe('relay.not_admitted');
    const other = await ticketFor(test, { nonce: toBase64url(messageId(5)) });
    expect(await attempt(test, 'cat', other, '192.0.2.6')).toBe('welcome');
  });

  it('is not asked of another device of an owner that is in', async () => {
    const test = await startRelay({ admission: policy });
    const ada = await ownerNamed('ada');
    await connect(test, ada, ada.box.signer, { ticket: await ticketFor(test) });
    await connect(test, ada, ada.phone.signer);
  });
});
