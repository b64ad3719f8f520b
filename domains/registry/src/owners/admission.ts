import { type Did, fail, limits, type Verified } from '@caponier/protocol';
import { MAX_OWNERS } from '../limits.ts';
import type { RegistryStore } from '../store.ts';

/** Who may begin a chain here: everybody (for a loopback listener), owners the operator names, or holders of a ticket. */
export type Admission =
  | { readonly mode: 'open' }
  | { readonly mode: 'allowlist'; readonly owners: readonly string[] }
  | { readonly mode: 'ticket'; readonly operators: readonly Did[] };

export interface AdmissionOptions {
  readonly admission: Admission;
  readonly store: RegistryStore;
  /** This registry: the audience of its tickets. */
  readonly did: Did;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/**
 * Threat: chains cost nothing to make, so anybody could fill the disk of a registry and the memory of its followers.
 * Measure: this, and a bound on owners in all. Throws `registry.not_admitted`, `registry.quota`.
 */
export async function admit(
  { admission, store, did, clock }: AdmissionOptions,
  owner: Verified<'owner'>,
  ticket: Verified<'ticket'> | null,
): Promise<void> {
  const { owners } = await store.counts({ owner: owner.id, since: 0 });
  if (owners >= MAX_OWNERS) throw fail('registry.quota', 'owners');
  if (admission.mode === 'open') return;
  if (admission.mode === 'allowlist') {
    if (!admission.owners.includes(owner.id)) throw fail('registry.not_admitted', 'not on the list');
    return;
  }
  const now = Math.floor(clock() / 1000);
  if (!ticket || !admission.operators.includes(ticket.kid))
    throw fail('registry.not_admitted', 'no ticket of the operator');
  const { aud, uses, iat, exp } = ticket.payload;
  if (aud !== did || exp < now || iat > now + limits.clockSkewSeconds)
    throw fail('registry.not_admitted', 'ticket not valid here and now');
  if (!(await store.takeTicket({ id: ticket.id, uses, expires: exp, now })))
    throw fail('registry.not_admitted', 'ticket used up');
}
