import { type Random, toBase64url } from '@caponier/crypto';
import { registryWire, type Signer, sign } from '@caponier/protocol';
import type { Service } from '../directory/types.ts';
import type { Transport } from '../transport/types.ts';
import { call } from './call.ts';

/** Seconds for which a `hello` is good: one round trip. */
const helloSeconds = 30;

/** Proves to a service over HTTP who asks: a fresh challenge, answered for this service alone. */
export async function helloFor(
  {
    transport,
    random,
    clock,
  }: { readonly transport: Transport; readonly random: Random; readonly clock: () => number },
  service: Service,
  signer: Signer,
  owner: string | null,
): Promise<Record<string, string>> {
  const { challenge } = await call(transport, service, '/challenge', registryWire.ChallengeAnswer);
  const iat = Math.floor(clock() / 1000);
  const hello = await sign(signer, 'hello', {
    aud: service.key,
    owner,
    challenge,
    mode: 'shared',
    tls: null,
    iat,
    exp: iat + helloSeconds,
    nonce: toBase64url(random(16)),
  });
  return { [registryWire.registryHelloHeader]: hello };
}
