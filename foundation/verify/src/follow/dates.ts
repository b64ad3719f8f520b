import { CaponierError } from '@caponier/crypto';
import { fail, limits } from '@caponier/protocol';
import type { Cosigned } from '@caponier/tlog';
import type { OwnerView } from '../owner/view.ts';
import { openHead } from './heads.ts';
import type { LogAnchor } from './ports.ts';

/** A head as it reached us. */
export interface ArrivedHead {
  readonly note: string;
  /** When, by our clock, in seconds since the epoch. */
  readonly at: number;
}

/**
 * The k-th newest of the cosignature times that can be true of a head that arrived at `at`, in seconds; null where fewer can.
 * `cosigned` newest first.
 *
 * Threat: a witness that dates a head into the future makes what it signed look young for ever, and every other head look
 * late. Measure: a time beyond the skew of two clocks counts for nothing, and no head vouches for more than its arrival.
 */
export function vouchedTime(cosigned: readonly Cosigned[], k: number, at: number): number | null {
  const credible = cosigned.filter(({ time }) => time <= at + limits.viewSkewSeconds);
  const kth = credible[k - 1];
  return kth ? Math.min(kth.time, at) : null;
}

/**
 * When a head was last cosigned, by the witnesses that a certain owner named: only these count for this owner
 * (`trust`, design section 3). Computed once per trust statement and head.
 */
export class HeadDates {
  readonly #anchor: LogAnchor;
  #head: ArrivedHead | null = null;
  readonly #times = new Map<string, number | null>();

  constructor(anchor: LogAnchor) {
    this.#anchor = anchor;
  }

  /** The newest head, from now on. */
  take(head: ArrivedHead): void {
    this.#head = head;
    this.#times.clear();
  }

  /** Throws `owner.unknown` where the owner's chain is ordered by another log now. */
  asOf({ trust }: OwnerView): number | null {
    if (trust && (trust.log.key !== this.#anchor.key || trust.log.origin !== this.#anchor.origin))
      throw fail('owner.unknown', 'the owner left this log');
    if (this.#head === null) return null;
    const key = trust?.id ?? '';
    const known = this.#times.get(key);
    if (known !== undefined) return known;
    const anchor = trust ? { ...this.#anchor, witnesses: trust.witnesses, k: trust.k } : this.#anchor;
    const time = timeOf(this.#head, anchor);
    this.#times.set(key, time);
    return time;
  }
}

function timeOf({ note, at }: ArrivedHead, anchor: LogAnchor): number | null {
  try {
    return vouchedTime(openHead(note, anchor, 'owners').cosigned, anchor.k, at);
  } catch (error) {
    if (error instanceof CaponierError) return null;
    throw error;
  }
}
