import { type ErrorCode, fail, limits } from '@caponier/protocol';
import type { OwnerView } from '../owner/view.ts';

/** What an owner's chain says, and when witnesses last said that it is the newest. */
export interface DatedView {
  readonly view: OwnerView;
  /**
   * The k-th newest cosignature time of the head that covers the view, by the owner's own witnesses, in seconds since the
   * epoch, and never later than the head arrived; null where too few of them can be true. Never the registry's word.
   */
  readonly asOf: number | null;
  /**
   * The same of the newest head seen at all, by the witnesses that the log is followed with: a view far behind it is one that
   * its service could not bring up to date.
   */
  readonly newest: number;
  /** Why the log is not believed at the moment, or null. */
  readonly trouble: ErrorCode | null;
}

/** A permit needs a view of seconds; a shell from one's own controller one of minutes, so that a sleeping laptop cuts nobody. */
export type Purpose = 'permit' | 'shell';

const maxAge: Readonly<Record<Purpose, number>> = {
  permit: limits.maxRegistryAgeSeconds,
  shell: limits.maxShellRegistryAgeSeconds,
};

/**
 * Throws the log's trouble (`log.rolled_back`, `log.forked`, …) or `owner.stale_view`; gives the age in seconds, which a
 * shell shows as a banner above `maxRegistryAgeSeconds`. `now` in milliseconds.
 */
export function requireFresh(dated: DatedView, purpose: Purpose, now: number): number {
  if (dated.trouble !== null) throw fail(dated.trouble, 'the log is in trouble');
  const { asOf, newest } = dated;
  if (asOf === null) throw fail('owner.stale_view', 'too few witnesses');
  const age = Math.floor(now / 1000) - asOf;
  if (age < -limits.viewSkewSeconds) throw fail('owner.stale_view', 'our clock is behind the witnesses');
  if (age > maxAge[purpose]) throw fail('owner.stale_view', `${age} seconds old`);
  if (newest - asOf > limits.maxServiceLagSeconds) throw fail('owner.stale_view', 'behind the newest head');
  return Math.max(age, 0);
}
