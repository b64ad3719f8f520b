import { type Did, fail, type Verified } from '@caponier/protocol';
import type { RequestUnderCheck } from './context.ts';
import { covers } from './patterns.ts';

/** From an enrolled device down to the key that signed the request. */

type Delegate = Verified<'delegate'>;
type Scope = Pick<Delegate['payload'], 'classes' | 'ops' | 'resources'>;

/** The key that must have signed: the device's own, or the last one delegated to. Throws `request.bad_signer`. */
export function checkSigner({ request, bundle }: RequestUnderCheck): void {
  const { agent, device } = request.payload;
  const last = bundle.delegations.at(-1);
  if ((agent === null) !== (last === undefined)) throw fail('request.bad_signer', 'agent and delegations');
  if (request.kid !== (last?.payload.key ?? device)) throw fail('request.bad_signer');
}

/**
 * Each delegation is signed by the key above it, for this device and owner, narrower than the one above and not outliving
 * it. Throws `request.bad_delegation`, `request.exceeds_delegation`.
 */
export function checkDelegations(check: RequestUnderCheck): void {
  const { request, bundle, home } = check;
  let above: { readonly key: Did; readonly delegation: Delegate | null } = {
    key: request.payload.device,
    delegation: null,
  };
  for (const delegation of bundle.delegations) {
    const { aud, device: of, parent, key, exp, agent } = delegation.payload;
    const bad = (why: string) => fail('request.bad_delegation', why);
    if (aud !== home.view.id || of !== request.payload.device) throw bad('another owner or device');
    if (delegation.kid !== above.key || parent !== (above.delegation?.id ?? null)) throw bad('not by the key above');
    if (key === request.payload.device) throw bad('to the device itself');
    if (agent !== request.payload.agent) throw bad('another agent');
    if (above.delegation && exp > above.delegation.payload.exp) throw bad('outlives the one above');
    if (above.delegation && !isNarrower(delegation.payload, above.delegation.payload))
      throw fail('request.exceeds_delegation', 'wider than the one above');
    above = { key, delegation };
  }
  if (!above.delegation) return;
  // Grants count by name. A device that could name an agent of another, or an agent that could name a sibling, would take
  // their grants: so a name ends in its device's, and is the same all the way down.
  if (!above.delegation.payload.agent.endsWith(`@${check.device.name}`))
    throw fail('request.bad_delegation', 'name of another device');
  const { class: of, op, resource } = request.payload;
  if (!isNarrower({ classes: [of], ops: [op], resources: [resource] }, above.delegation.payload))
    throw fail('request.exceeds_delegation', 'request');
}

function isNarrower(narrow: Scope, wide: Scope): boolean {
  return (
    narrow.classes.every((name) => wide.classes.includes(name)) &&
    narrow.ops.every((op) => wide.ops.includes(op)) &&
    narrow.resources.every((resource) => wide.resources.some((pattern) => covers(pattern, resource)))
  );
}

/**
 * The device is, or was, one of its owner's: what was revoked is told apart later. It may be enrolled by several owners; the
 * one that counts is the one the grant is given to. Throws `owner.not_enrolled`.
 */
export function checkEnrolment({ request, home }: RequestUnderCheck): void {
  const { device } = request.payload;
  if (!home.view.device(device) && !home.view.formerDevice(device)) throw fail('owner.not_enrolled');
}
