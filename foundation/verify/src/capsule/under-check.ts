import { fromBase64url } from '@caponier/crypto';
import { type ChainKind, fail, type Payload, type Verified, verifyStatement } from '@caponier/protocol';
import { openChainStatement } from '../owner/replay.ts';
import type { State, Trust } from '../owner/state.ts';
import { transition } from '../owner/transition.ts';
import { type LaterKind, type OwnerView, viewOfMembers } from '../owner/view.ts';
import { Bundle } from '../request/bundle.ts';
import { RequestUnderCheck } from '../request/context.ts';
import { checkEvent, type ShownEvent } from './events.ts';
import type { Capsule, CapsuleUse } from './form.ts';
import type { TrustHistory } from './trust-file.ts';
import { openEach } from './trust-file.ts';

/** Kinds that a capsule may show beside roots and trust. */
const memberKinds = ['enroll', 'approver', 'grant', 'policy'] as const;

type Member = Verified<(typeof memberKinds)[number]>;

/** One use with its outcome, opened. */
export interface ShownUse {
  readonly shown: CapsuleUse;
  readonly use: Verified<'use'> | null;
  readonly outcome: Verified<'outcome'>;
}

/**
 * A capsule while it is checked. Keys come from the trust file, everything else from statements; each is opened when a
 * check first looks at it, so that the report names the first check that fails.
 */
export class CapsuleUnderCheck {
  readonly content: Capsule;
  readonly history: TrustHistory;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly #memo = new Map<string, unknown>();

  constructor(content: Capsule, history: TrustHistory, now: number) {
    this.content = content;
    this.history = history;
    this.now = now;
  }

  #once<T>(name: string, open: () => T): T {
    if (!this.#memo.has(name)) this.#memo.set(name, open());
    return this.#memo.get(name) as T;
  }

  /** The newest statement of the owner's chain at the decision. */
  get head(): Verified<ChainKind> {
    return this.#once('head', () => openChainStatement(this.content.chain.head));
  }

  get headCosigns(): readonly Verified<'cosign'>[] {
    return this.#once('cosigns', () => openEach(this.content.chain.cosigns));
  }

  /** Roots and trust at the head, by the trust file. */
  get state(): State {
    return this.history.at(this.head.payload.seq);
  }

  get trust(): Trust {
    const { trust } = this.state;
    if (!trust) throw fail('owner.unknown', 'no trust before the head');
    return trust;
  }

  get members(): readonly Member[] {
    return this.#once('members', () =>
      this.content.chain.members.map(({ statement }) => verifyStatement(statement, ...memberKinds)),
    );
  }

  /** The event of the decision, whose body leads to a leaf of the log. */
  get decision(): ShownEvent {
    return this.#once('decision', () => checkEvent(this.content.decision, this.permit.kid, this.trust));
  }

  /** What the members say, as a view. Throws `owner.conflict` where they contradict each other. */
  get view(): OwnerView {
    return this.#once('view', () => {
      const inOrder = [...this.members].sort((a, b) => a.payload.seq - b.payload.seq);
      const state = inOrder.reduce((before, { id, kind, payload }) => {
        if (payload.owner !== this.history.owner) throw fail('owner.conflict', 'member of another owner');
        const by = { recovery: false, by: [] };
        return transition(before, kind, payload as Payload<LaterKind>, { id, seq: payload.seq }, by);
      }, this.state);
      return viewOfMembers(this.history.owner, { seq: this.head.payload.seq, head: this.head.id }, state);
    });
  }

  /** The request with what led to its decision, without any use. */
  get bundle(): Bundle {
    const { request, delegations, approvals, permit } = this.content;
    return this.#once('bundle', () => Bundle.open([request, ...delegations, permit, ...approvals]));
  }

  get request(): Verified<'request'> {
    return this.bundle.request;
  }
  get permit(): Verified<'permit'> {
    return this.bundle.permit;
  }

  /** The parameters; null where there are none or they are withheld. */
  get body(): Uint8Array | null {
    return this.content.body === null ? null : fromBase64url(this.content.body);
  }

  get uses(): readonly ShownUse[] {
    return this.#once('uses', () =>
      this.content.uses.map((shown) => ({
        shown,
        use: shown.use === null ? null : verifyStatement(shown.use, 'use'),
        outcome: verifyStatement(shown.outcome, 'outcome'),
      })),
    );
  }

  /** The checks that workers, broker and gate make, at one moment in seconds, over what the members prove. */
  at(second: number): RequestUnderCheck {
    const { history } = this;
    const dated = { view: this.view, asOf: second, newest: second, trouble: null };
    const views = {
      get: (owner: string) => {
        if (owner === history.owner) return dated;
        throw fail('owner.unknown', 'the trust file is of another owner');
      },
    };
    return new RequestUnderCheck(this.bundle, views, second * 1000, ({ permit }) => permit.payload);
  }
}
