import { fail, limits, type Verified } from '@caponier/protocol';
import { checkUnits, type Pace } from '../door/proving.ts';
import type { History } from './history.ts';

/**
 * The history that the log decided for, with what another branch of it had that takes authority away.
 *
 * Threat: two devices of an owner write at once, and the log takes what one of them wrote; freezes and revocations that were
 * shown beside the void branch, or in it, would be gone with it, and whom they stopped would be back. Measure: what the new
 * history lets its signer say stays in effect, as if it had been shown again. What remains: a freeze by an approver that only
 * the void branch named, and a revocation by a root that is out, are gone.
 *
 * Throws `relay.too_many` where both together are more than may be kept of one owner.
 */
export async function carryRemovals(from: History, to: History, pace: Pace): Promise<History> {
  const approvers = new Set<string>();
  const places = new Set<string>();
  for (const { statement } of to.chain.values()) {
    places.add(statement.id);
    if (statement.kind === 'approver') approvers.add((statement as unknown as Verified<'approver'>).payload.key);
  }
  const loose = new Map(to.loose);
  let { view, bytes } = to;
  for (const entry of [...from.loose.values(), ...from.chain.values()]) {
    const { statement, cosigns } = entry;
    if (loose.has(statement.id) || places.has(statement.id)) continue;
    await pace(checkUnits);
    if (statement.kind === 'freeze') {
      // It was judged when it came; that its approver was revoked since lifts nothing, that there never was one does.
      if (approvers.has(statement.kid)) view = view.recallFreeze(statement as Verified<'freeze'>);
      if (!view.freezes().some(({ id }) => id === statement.id)) continue;
    } else if (statement.kind === 'revoke') {
      try {
        view = view.withRemoval(statement as Verified<'revoke'>, cosigns);
      } catch {
        continue;
      }
      if (!view.pendingRemovals().some(({ id }) => id === statement.id)) continue;
    } else continue;
    loose.set(statement.id, entry as typeof entry & { readonly statement: Verified<'freeze' | 'revoke'> });
    bytes += [statement, ...cosigns].reduce((sum, { jws }) => sum + jws.length, 0);
  }
  if (to.chain.size + loose.size > limits.maxBundleStatements || bytes > limits.maxBundleBytes) {
    throw fail('relay.too_many', 'statements of one owner');
  }
  return { ...to, view, loose, bytes };
}
