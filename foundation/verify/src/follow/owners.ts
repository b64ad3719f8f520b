import { CaponierError } from '@caponier/crypto';
import {
  type ChainKind,
  type ErrorCode,
  fail,
  idOf,
  leafClassOf,
  type Payload,
  type Verified,
} from '@caponier/protocol';
import type { OwnersLeaf } from '@caponier/tlog';
import { openChainStatement, openCosigns } from '../owner/replay.ts';
import { type LaterKind, OwnerView, type ViewMode } from '../owner/view.ts';

/** The chains in a log, as far as they can be resolved. */

/** A leaf with what was shown beside it. */
export interface ShownLeaf {
  readonly index: number;
  readonly leaf: OwnersLeaf;
  readonly statement: string | null;
  readonly cosigns: readonly string[];
}

interface Followed {
  readonly view: OwnerView | null;
  /** Indices of leaves from the first that could not be resolved. While there are any, the owner is refused. */
  readonly waiting: number[];
  /** Why this owner is not believed on this log any more. */
  readonly refusal: ErrorCode | null;
}

const nothing = (): Followed => ({ view: null, waiting: [], refusal: null });

/**
 * `waiting`: the statement, or enough cosigns, are not there. `void`: whatever is shown later, this leaf changes nothing, and
 * every reader will say so.
 */
type Settled = { readonly view: OwnerView | null; readonly end: 'applied' | 'void' | 'waiting' };

export class FollowedOwners {
  readonly #mode: ViewMode;
  readonly #wrongClass: (statement: string) => void;
  readonly #owners = new Map<string, Followed>();

  /** `wrongClass` is told of every statement that the log gave a false class. */
  constructor(mode: ViewMode, wrongClass: (statement: string) => void) {
    this.#mode = mode;
    this.#wrongClass = wrongClass;
  }

  /** The view, or `owner.unknown`, `owner.withheld`, `log.wrong_class`. */
  get(owner: string): OwnerView {
    const followed = this.#owners.get(owner);
    if (!followed) throw fail('owner.unknown');
    if (followed.refusal) throw fail(followed.refusal, 'owner on this log');
    if (followed.waiting.length > 0) throw fail('owner.withheld', `leaf ${followed.waiting[0]}`);
    if (!followed.view) throw fail('owner.unknown', 'void from the start');
    return followed.view;
  }

  /** Every owner's view so far, for those that are refused too: a removal takes effect on whatever is known. */
  known(owner: string): OwnerView | undefined {
    return this.#owners.get(owner)?.view ?? undefined;
  }

  all(): OwnerView[] {
    return [...this.#owners.values()].flatMap((followed) => followed.view ?? []);
  }

  waiting(owner: string): readonly number[] {
    return this.#owners.get(owner)?.waiting ?? [];
  }

  /** Takes a change that came from outside the log. */
  put(view: OwnerView): void {
    this.#owners.set(view.id, { ...(this.#owners.get(view.id) ?? nothing()), view });
  }

  /** The next leaf of the log. False where it waits for a statement. */
  add(shown: ShownLeaf): boolean {
    const { owner } = shown.leaf;
    const followed = this.#owners.get(owner) ?? nothing();
    if (followed.waiting.length > 0) {
      // In place: an owner whom this reader may not read has thousands, and each copy would cost as many.
      followed.waiting.push(shown.index);
      return false;
    }
    return this.#settle(owner, followed, shown);
  }

  /** Tries the first waiting leaf again, with what was shown meanwhile. */
  retry(shown: ShownLeaf): boolean {
    const { owner } = shown.leaf;
    const followed = this.#owners.get(owner) ?? nothing();
    if (followed.waiting[0] !== shown.index) return false;
    return this.#settle(owner, { ...followed, waiting: followed.waiting.slice(1) }, shown);
  }

  #settle(owner: string, followed: Followed, shown: ShownLeaf): boolean {
    const { view, end } = this.#apply(followed.view, shown);
    const waiting = end === 'waiting' ? [shown.index, ...followed.waiting] : followed.waiting;
    const refusal = this.#owners.get(owner)?.refusal ?? followed.refusal;
    this.#owners.set(owner, { view, waiting, refusal });
    return end !== 'waiting';
  }

  #apply(view: OwnerView | null, { leaf, statement, cosigns }: ShownLeaf): Settled {
    if (this.#mode === 'membership' && leaf.class === 'private') return skip(view, leaf);
    if (statement === null || idOf(statement) !== leaf.id) return { view, end: 'waiting' };
    let opened: Verified<ChainKind>;
    try {
      opened = openChainStatement(statement);
    } catch {
      return { view, end: 'void' };
    }
    if (leafClassOf(opened.kind, opened.payload as Payload<ChainKind>) !== leaf.class)
      this.#refuse(leaf.owner, statement);
    if (opened.payload.seq !== leaf.seq) return { view, end: 'void' };
    return follow(view, leaf, opened, cosigns, this.#mode);
  }

  #refuse(owner: string, statement: string): void {
    this.#owners.set(owner, { ...(this.#owners.get(owner) ?? nothing()), refusal: 'log.wrong_class' });
    this.#wrongClass(statement);
  }
}

function skip(view: OwnerView | null, leaf: OwnersLeaf): Settled {
  if (!view || leaf.seq <= view.seq) return { view, end: 'void' };
  return { view: view.skipPrivate(leaf), end: 'applied' };
}

function follow(
  view: OwnerView | null,
  leaf: OwnersLeaf,
  statement: Verified<ChainKind>,
  cosigns: readonly string[],
  mode: ViewMode,
): Settled {
  try {
    if (statement.kind === 'owner') {
      if (view) return { view, end: 'void' };
      const started = OwnerView.start(statement as Verified<'owner'>, openCosigns(cosigns), mode);
      return { view: started, end: 'applied' };
    }
    // Its first statement was void, so there is no such owner.
    if (!view || (statement as Verified<LaterKind>).payload.owner !== leaf.owner) return { view, end: 'void' };
    return { view: view.apply(statement as Verified<LaterKind>, openCosigns(cosigns)), end: 'applied' };
  } catch (error) {
    if (!(error instanceof CaponierError)) throw error;
    // Cosigns travel unsigned beside the statement. Were it void without them, a registry could void a revocation for one
    // reader by leaving them out.
    return { view, end: error.code === 'owner.not_enough_signatures' ? 'waiting' : 'void' };
  }
}
