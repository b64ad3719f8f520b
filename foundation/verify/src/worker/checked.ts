import { fail, type Verified } from '@caponier/protocol';
import type { DatedView } from '../follow/freshness.ts';
import type { Grant } from '../owner/state.ts';
import type { Asker, Views } from '../request/context.ts';
import { checkOrder, runChecks } from './order.ts';
import type { CountKey, WorkerLedger } from './ports.ts';
import { type Call, type Serves, UseUnderCheck } from './under-check.ts';
import { openUse } from './wire.ts';

const onlyHere = Symbol('checked');

/**
 * A use that passed every check of design section 7. Whatever acts takes this and nothing else; only `checkUse` makes one.
 * It is spent by `performUse`, once.
 */
export class CheckedUse {
  readonly request: Verified<'request'>;
  readonly permit: Verified<'permit'>;
  readonly use: Verified<'use'>;
  readonly approvals: readonly Verified<'approval'>[];
  readonly grant: Grant;
  /** The parameters that the request signed; null where it has none. */
  readonly body: Uint8Array | null;
  /** Whose data it is about. */
  readonly owner: DatedView;
  readonly asker: Asker;
  readonly count: CountKey;
  readonly #proof: typeof onlyHere;

  constructor(proof: typeof onlyHere, check: UseUnderCheck) {
    if (proof !== onlyHere) throw fail('host.internal', 'CheckedUse is made by checkUse only');
    this.#proof = proof;
    this.request = check.request;
    this.permit = check.bundle.permit;
    this.use = check.bundle.use;
    this.approvals = check.bundle.approvals(check.bundle.permit.payload.approvals);
    this.grant = check.grant;
    this.body = check.body;
    this.owner = check.owner;
    this.asker = check.asker;
    this.count = check.count;
    Object.freeze(this);
  }

  static is(value: unknown): value is CheckedUse {
    return typeof value === 'object' && value !== null && #proof in value;
  }
}

export interface CheckPorts {
  readonly me: Serves;
  readonly views: Views;
  readonly ledger: Pick<WorkerLedger, 'counts'>;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** Opens and checks what was presented. Throws the code of the first check that fails; nothing is written by then. */
export async function checkUse(text: Uint8Array, call: Call, ports: CheckPorts): Promise<CheckedUse> {
  const { me, views, ledger, clock } = ports;
  const check = new UseUnderCheck({ ...openUse(text), call, me, views, ledger, now: clock() });
  await runChecks(checkOrder, check);
  return new CheckedUse(onlyHere, check);
}
