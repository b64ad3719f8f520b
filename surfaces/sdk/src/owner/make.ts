import { toBase64url, utf8 } from '@caponier/crypto';
import { type BoxDid, type Did, digestBody, type Payload, sign } from '@caponier/protocol';
import { type LogAnchor, type Members, OwnerChain, type Trust } from '@caponier/verify';
import type { Hand } from './sign.ts';
import type { GrantMembers, StartMaterial } from './types.ts';

export interface MakeOwnerOptions extends Hand {
  /** The first device, a controller. */
  readonly device: { readonly did: Did; readonly box: BoxDid; readonly name: string };
  /** Whether it may also say yes to asks and freeze. */
  readonly approver: boolean;
  readonly trust: Members<'trust'>;
  /** Addresses, for a `service` statement by the same key as the root: alone, the owner is the operator. */
  readonly services: Payload<'service'>['services'];
  readonly policy: { readonly name: string; readonly text: string } | null;
  readonly grants: readonly GrantMembers[];
}

export interface MadeOwner {
  readonly start: StartMaterial;
  /** Id of the `policy` statement, for `publishPolicy`; null where there is none. */
  readonly policy: string | null;
}

/** The grant that an owner is born with: agents and devices may ask the gate for secrets. What they get, the policy says. */
export const starterGrant: GrantMembers = {
  label: 'secrets',
  to: { owner: null, agents: ['*@*'], devices: ['*'] },
  decides: 'gate',
  class: 'secret',
  ops: ['secret.put', 'secret.use', 'secret.reveal', 'secret.list', 'secret.delete'],
  resources: ['*'],
  purpose: '',
  ceilings: [],
  approvals: { k: 0, from: [] },
  exp: null,
};

/** The anchor that a trust statement names. */
export function anchorOf(trust: Pick<Trust, 'log' | 'witnesses' | 'k'>): LogAnchor {
  return { origin: trust.log.origin, key: trust.log.key, witnesses: trust.witnesses, k: trust.k };
}

export async function signServices(services: Payload<'service'>['services'], hand: Hand): Promise<string> {
  const iat = Math.floor(hand.clock() / 1000);
  return sign(hand.signer, 'service', { aud: 'any', services, iat, nonce: toBase64url(hand.random(16)) });
}

/** A new owner with its first device. Nothing is sent anywhere: `publishChain` takes it to the registry. */
export async function makeOwner(options: MakeOwnerOptions): Promise<MadeOwner> {
  const { device, approver, trust, services, policy, grants, random } = options;
  const chain = await OwnerChain.begin(options);
  await chain.add('trust', trust);
  await chain.add('enroll', { device: device.did, box: device.box, role: 'controller', name: device.name });
  if (approver) await chain.add('approver', { key: device.did, name: device.name, passkey: null });
  const said = policy
    ? await chain.add('policy', { name: policy.name, body: digestBody(utf8(policy.text), random) })
    : null;
  for (const grant of grants) await chain.add('grant', grant);
  return {
    start: {
      owner: chain.view.id,
      anchor: anchorOf(trust),
      services: services.length > 0 ? [await signServices(services, options)] : [],
      chain: chain.wire(),
      tickets: [],
    },
    policy: said?.statement.id ?? null,
  };
}
