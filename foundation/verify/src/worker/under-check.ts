import type { Did } from '@caponier/protocol';
import type { Bundle } from '../request/bundle.ts';
import { RequestUnderCheck, type Views } from '../request/context.ts';
import { subjectOf } from '../request/submission.ts';
import type { CountKey, WorkerLedger } from './ports.ts';

/** Who the worker is and what it does. */
export interface Serves {
  /** The worker's key. */
  readonly did: Did;
  /** The class of data it serves, and no other. */
  readonly class: string;
  /** Its operations, each with the form of the resources that it takes. */
  readonly ops: Readonly<Record<string, RegExp>>;
}

/** The HTTP call by which a use arrived, as the listener saw it. */
export interface Call {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

/** A presented use while a worker checks it: the request, and the call that it came with. */
export class UseUnderCheck extends RequestUnderCheck {
  readonly me: Serves;
  readonly call: Call;
  /** The body that came along; null where there is none. */
  readonly body: Uint8Array | null;
  readonly ledger: Pick<WorkerLedger, 'counts'>;

  constructor(parts: {
    readonly bundle: Bundle;
    readonly body: Uint8Array | null;
    readonly call: Call;
    readonly me: Serves;
    readonly views: Views;
    readonly ledger: Pick<WorkerLedger, 'counts'>;
    readonly now: number;
  }) {
    super(parts.bundle, parts.views, parts.now, ({ permit }) => permit.payload);
    this.me = parts.me;
    this.call = parts.call;
    this.body = parts.body;
    this.ledger = parts.ledger;
  }

  /** By name, never by run key; a contact's names are told apart from ours. */
  get count(): CountKey {
    const { op, resource } = this.request.payload;
    return { owner: this.owner.view.id, agent: subjectOf(this), op, resource };
  }
}
