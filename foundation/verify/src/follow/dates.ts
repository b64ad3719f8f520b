import { CaponierError } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import type { OwnerView } from '../owner/view.ts';
import { openHead } from './heads.ts';
import type { LogAnchor } from './ports.ts';

/**
 * When a head was last cosigned, by the witnesses that a certain owner named: only these count for this owner
 * (`trust`, design section 3). Computed once per trust statement and head.
 */
export class HeadDates {
  readonly #anchor: LogAnchor;
  #note: string | null = null;
  readonly #times = new Map<string, number | null>();

  constructor(anchor: LogAnchor) {
    this.#anchor = anchor;
  }

  /** `note` is the newest head; throws `owner.unknown` where the owner's chain is ordered by another log now. */
  asOf(view: OwnerView, note: string | null): number | null {
    if (note !== this.#note) {
      this.#note = note;
      this.#times.clear();
    }
    const { trust } = view;
    if (trust && (trust.log.key !== this.#anchor.key || trust.log.origin !== this.#anchor.origin))
      throw fail('owner.unknown', 'the owner left this log');
    if (note === null) return null;
    const key = trust?.id ?? '';
    const known = this.#times.get(key);
    if (known !== undefined) return known;
    const time = timeOf(note, trust ? { ...this.#anchor, witnesses: trust.witnesses, k: trust.k } : this.#anchor);
    this.#times.set(key, time);
    return time;
  }
}

function timeOf(note: string, anchor: LogAnchor): number | null {
  try {
    return openHead(note, anchor, 'owners').time;
  } catch (error) {
    if (error instanceof CaponierError) return null;
    throw error;
  }
}
