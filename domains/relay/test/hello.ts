import { toBase64url } from '@caponier/crypto';
import { type Did, leafClassOf, type Payload, type Signer, sign } from '@caponier/protocol';
import { type TestOwner, testSigner } from '@caponier/testkit';
import type { LaterKind } from '@caponier/verify';

export const relaySigner = testSigner('the relay');

/** A `hello` to the relay of the tests, with what differs. */
export async function helloOf(
  signer: Signer,
  challenge: Uint8Array,
  seconds: number,
  members: Partial<Payload<'hello'>>,
): Promise<string> {
  return sign(signer, 'hello', {
    aud: relaySigner.did,
    owner: null,
    challenge: toBase64url(challenge),
    mode: 'exclusive',
    tls: null,
    iat: seconds,
    exp: seconds + 60,
    nonce: toBase64url(challenge.slice(0, 16)),
    ...members,
  });
}

/** A freeze of one device of an owner; `n` tells two of one signer apart. */
export function freezeOf(signer: Signer, owner: TestOwner, target: string, seconds: number, n = 1): Promise<string> {
  const nonce = toBase64url(new Uint8Array(16).fill(n));
  return sign(signer, 'freeze', { aud: owner.id, what: 'device', target: target as Did, iat: seconds, nonce });
}

/** An operator's ticket for the relay of the tests, of one use and ten minutes, with what differs. */
export function ticketOf(signer: Signer, seconds: number, members: Partial<Payload<'ticket'>> = {}): Promise<string> {
  const nonce = toBase64url(new Uint8Array(16).fill(9));
  return sign(signer, 'ticket', { aud: relaySigner.did, uses: 1, iat: seconds, exp: seconds + 600, nonce, ...members });
}

/** The relay's part of an owner's chain: membership statements, cosigns beside them. */
export function membershipOf(owner: TestOwner): string[] {
  return owner.chain.signed
    .filter(({ statement }) => leafClassOf(statement.kind, statement.payload as Payload<LaterKind>) === 'membership')
    .flatMap(({ statement, cosigns }) => [statement.jws, ...cosigns.map(({ jws }) => jws)]);
}
