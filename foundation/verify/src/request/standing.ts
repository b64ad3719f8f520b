import { fail } from '@caponier/protocol';
import { requireFresh } from '../follow/freshness.ts';
import type { RequestUnderCheck } from './context.ts';

/** Whether what was granted once still stands. */

/** What these checks look at: both owners as they are known at one moment, `now` in milliseconds. */
export type Standing = Pick<RequestUnderCheck, 'owner' | 'home' | 'grant' | 'request' | 'now'>;

/** Throws `owner.stale_view`, or the trouble of the log. */
export function checkFresh({ owner, home, now }: Standing): void {
  requireFresh(owner, 'permit', now);
  requireFresh(home, 'permit', now);
}

/** Throws `owner.revoked` for a device or grant that was taken back. */
export function checkNotRevoked({ owner, home, grant, request }: Standing): void {
  if (!owner.view.grant(grant.id)) throw fail('owner.revoked', 'grant');
  if (home.view.formerDevice(request.payload.device)) throw fail('owner.revoked', 'device');
}

/** Either owner's freeze stops the request: whose data it is, and whose device asks. Throws `owner.frozen`. */
export function checkNotFrozen({ owner, home, request }: Standing): void {
  const { device, agent } = request.payload;
  if (home.view.frozen(device, agent)) throw fail('owner.frozen', 'asker');
  // An agent of another owner may bear the name of one of ours, so names count at home only.
  if (owner.view.frozen(device, null)) throw fail('owner.frozen', 'owner');
}
