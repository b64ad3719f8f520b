import { CaponierError } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { host } from '#cedar';
import type { Cedar } from './cedar.ts';

/** Parsed policies kept inside Cedar. It can overwrite them but never forget one, so they live in numbered places. */
export const maxParsedPolicies = 128;

/** What Cedar needs to know of a policy to decide with it. */
export interface Parsable {
  readonly schema: string;
  readonly rules: Readonly<Record<string, string>>;
}

/** Policy by the place it is parsed in, least recently used first. */
const places = new Map<Parsable, string>();

/** Resolves when policies can be compiled and evaluated. At once in Node; in a browser it fetches WebAssembly. */
export function loadPolicyEngine(): Promise<void> {
  return host.load();
}

/**
 * Calls Cedar, and replaces the instance when the call throws anything but a refusal of ours: whatever happened inside,
 * the next caller finds a sound one. Throws `policy.error` then.
 */
export function withCedar<T>(call: (cedar: Cedar) => T): T {
  try {
    return call(host.instance());
  } catch (error) {
    if (error instanceof CaponierError) throw error;
    places.clear();
    host.renew();
    throw fail('policy.error', 'Cedar trapped', error);
  }
}

/** The name of the place in which the policy is parsed, parsing it where it is not. Call inside `withCedar`. */
export function placeOf(cedar: Cedar, policy: Parsable): string {
  let place = places.get(policy);
  if (place === undefined) {
    place = freePlace();
    const schema = cedar.preparseSchema(place, policy.schema);
    const rules = cedar.preparsePolicySet(place, { staticPolicies: { ...policy.rules } });
    if (schema.type !== 'success' || rules.type !== 'success') throw new Error('a checked policy does not parse');
  }
  places.delete(policy);
  places.set(policy, place);
  return place;
}

function freePlace(): string {
  if (places.size < maxParsedPolicies) return `place${places.size}`;
  const [oldest, place] = places.entries().next().value as [Parsable, string];
  places.delete(oldest);
  return place;
}
