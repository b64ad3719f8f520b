import { claimedKind, fail, idOf, type Kind, limits, type Verified, verifyStatement } from '@caponier/protocol';

/** Statements of one presented request, side by side, linked by id (design section 3). */

const most = { request: 1, delegate: limits.maxDelegationDepth, permit: 1, approval: 8, use: 1 } as const;
type LifeKind = keyof typeof most;

/** Most statements of one bundle, and most bytes of them: each kind at its largest. */
export const maxLifeStatements = 14;
export const maxLifeBytes = limits.maxRequestBytes + (maxLifeStatements - 1) * limits.maxStatementBytes;

const isLifeKind = (kind: Kind): kind is LifeKind => Object.hasOwn(most, kind);

/**
 * A bundle whose size and form hold. A signature is verified when its statement is first looked at, so that whoever shows
 * rubbish pays for one verification, not for fourteen.
 */
export class Bundle {
  readonly #texts = new Map<LifeKind, readonly string[]>();
  readonly #opened = new Map<string, Verified<LifeKind>>();

  private constructor() {}

  /** Throws `statement.too_large`, `statement.malformed`, `statement.wrong_kind`. */
  static open(texts: readonly string[]): Bundle {
    checkSize(texts);
    const bundle = new Bundle();
    for (const text of texts) {
      const kind = claimedKind(text);
      if (!isLifeKind(kind)) throw fail('statement.wrong_kind', kind);
      const before = bundle.#texts.get(kind) ?? [];
      // Two permits or two uses would let each check look at another one.
      if (before.length >= most[kind] || before.includes(text))
        throw fail('statement.malformed', `one ${kind} too many`);
      bundle.#texts.set(kind, [...before, text]);
    }
    return bundle;
  }

  get request(): Verified<'request'> {
    return this.#one('request');
  }
  get permit(): Verified<'permit'> {
    return this.#one('permit');
  }
  get use(): Verified<'use'> {
    return this.#one('use');
  }

  /** As the request names them, from the device down. Throws `request.bad_delegation` where others are shown. */
  get delegations(): readonly Verified<'delegate'>[] {
    const ids = this.request.payload.delegations;
    const texts = this.#texts.get('delegate') ?? [];
    if (texts.length !== ids.length) throw fail('request.bad_delegation', 'others than the request names');
    return this.#named('delegate', ids, () => fail('request.bad_delegation', 'one that the request names is missing'));
  }

  /** Those with these ids. Throws `approval.missing`. */
  approvals(ids: readonly string[]): readonly Verified<'approval'>[] {
    return this.#named('approval', ids, () => fail('approval.missing', 'one that the permit names is missing'));
  }

  /** Every approval shown, for whoever decides whether they count. */
  get shownApprovals(): readonly Verified<'approval'>[] {
    return (this.#texts.get('approval') ?? []).map((text) => this.#verify('approval', text));
  }

  #one<K extends LifeKind>(kind: K): Verified<K> {
    const [text] = this.#texts.get(kind) ?? [];
    if (text === undefined) throw fail('statement.malformed', `no ${kind}`);
    return this.#verify(kind, text);
  }

  #named<K extends LifeKind>(kind: K, ids: readonly string[], missing: () => Error): readonly Verified<K>[] {
    const byId = new Map((this.#texts.get(kind) ?? []).map((text) => [idOf(text), text]));
    return ids.map((id) => {
      const text = byId.get(id);
      if (text === undefined) throw missing();
      return this.#verify(kind, text);
    });
  }

  #verify<K extends LifeKind>(kind: K, text: string): Verified<K> {
    const before = this.#opened.get(text);
    if (before) return before as unknown as Verified<K>;
    const statement = verifyStatement(text, kind) as unknown as Verified<K>;
    this.#opened.set(text, statement as unknown as Verified<LifeKind>);
    return statement;
  }
}

function checkSize(texts: readonly string[]): void {
  if (texts.length > maxLifeStatements) throw fail('statement.too_large', `${texts.length} statements`);
  const bytes = texts.reduce((sum, text) => sum + text.length, 0);
  if (bytes > maxLifeBytes) throw fail('statement.too_large', `${bytes} bytes`);
}
