import { type ErrorCode, fail } from '@caponier/protocol';
import { requireFresh } from '../follow/freshness.ts';
import type { Views } from '../request/context.ts';
import type { HelloChallenges } from './challenges.ts';

/**
 * The owner whose device asks, proven now: enrolled, not frozen. `now` in milliseconds. Throws `refusal` where it is not
 * proven, `owner.not_enrolled`, `owner.frozen`, `owner.stale_view`.
 */
export function proveDevice(
  challenges: HelloChallenges,
  jws: string,
  views: Views,
  now: number,
  refusal: ErrorCode,
): string {
  const hello = challenges.prove(jws);
  const { owner } = hello.payload;
  if (owner === null) throw fail(refusal, 'not a device');
  const dated = views.get(owner);
  requireFresh(dated, 'permit', now);
  if (!dated.view.device(hello.kid)) throw fail('owner.not_enrolled');
  if (dated.view.frozen(hello.kid)) throw fail('owner.frozen');
  return owner;
}
