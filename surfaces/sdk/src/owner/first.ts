import { permitWire } from '@caponier/protocol';
import { replayChain } from '@caponier/verify';
import { findService, openServices, servicesOf } from '../directory/directory.ts';
import type { Service } from '../directory/types.ts';
import { call } from '../platform/call.ts';
import type { Platform } from '../platform/platform.ts';
import { sequence } from './publish.ts';
import type { StartMaterial } from './types.ts';

/** The services that this material leads to, by its own chain: before anything is followed. */
export function servicesOfStart(start: StartMaterial): Service[] {
  return servicesOf(replayChain(start.chain), openServices(start.services));
}

/** Takes an owner's first chain to its registry. Throws the registry's refusal. */
export async function publishOwner(platform: Platform, start: StartMaterial, ticket?: string): Promise<void> {
  const ports = { ...platform, services: servicesOfStart(start), ...(ticket !== undefined && { ticket }) };
  await sequence(ports, start.chain);
}

/** Gives the gate the text of the policy in force, whose digest the chain names. Throws `gate.other_policy`, … */
export async function publishPolicy(
  { transport }: Pick<Platform, 'transport'>,
  services: readonly Service[],
  policy: { readonly owner: string; readonly policy: string; readonly text: string },
): Promise<void> {
  await call(transport, findService(services, 'gate'), '/policies', permitWire.PolicyAnswer, { body: policy });
}
