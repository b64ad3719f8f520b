import { CaponierError, type Random, toBase64url } from '@caponier/crypto';
import { digestBody, type ErrorCode, entryOf, fail, type Payload, type Signer, sign } from '@caponier/protocol';
import type { Views } from '../request/context.ts';
import { checkFresh, checkNotFrozen, checkNotRevoked } from '../request/standing.ts';
import { CheckedUse } from './checked.ts';
import { encodeWorkerEvent } from './events.ts';
import type { NewEvent, WorkerLedger } from './ports.ts';
import { maxAnswerBodyBytes, type UseAnswer } from './wire.ts';

/** From a checked use to its answer: intent, effect, outcome, in this order and each durable before the next. */

export interface OutcomePorts {
  readonly ledger: WorkerLedger;
  /** The worker's. */
  readonly signer: Signer;
  readonly random: Random;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

export interface PerformPorts extends OutcomePorts {
  readonly views: Views;
}

/**
 * What the worker does: takes a `CheckedUse`, gives the answer's body or null. A coded error says that nothing was done and
 * becomes `refused`; `worker.outcome_unknown`, a `store.*` code or any other throw says that nobody knows.
 */
export type Act = (use: CheckedUse) => Promise<Uint8Array | null>;

type Result = Pick<Payload<'outcome'>, 'result'> & { readonly code: string; readonly body: Uint8Array | null };

/** Code of an outcome that is `done`. */
export const doneCode = 'worker.done';

/**
 * Throws `owner.stale_view`, the trouble of a log, `owner.revoked`, `owner.frozen`, `owner.withheld`,
 * `grant.ceiling_reached`, `use.replayed`, `permit.used_up` before anything is done; afterwards only what the store throws, and the intent then stays open for `recoverUses`.
 */
export async function performUse(use: CheckedUse, ports: PerformPorts, act: Act): Promise<UseAnswer> {
  if (!CheckedUse.is(use)) throw fail('host.internal', 'not a checked use');
  const { ledger, clock } = ports;
  const ids = { request: use.request.id, permit: use.permit.id, use: use.use.id };
  const owner = use.owner.view.id;
  checkStanding(use, ports);
  const { event } = await intend(use, ports, encodeWorkerEvent({ type: 'intent', owner, ...ids }), clock());
  const result = await attempt(use, act);
  const outcome = await signOutcome({ owner, ...ids, event }, result, ports);
  await ledger.finish({ use: ids.use, event: outcomeEvent(outcome, ports) });
  return { outcome, body: result.body };
}

/**
 * The checks `fresh`, `revoked` and `frozen` once more, on the views of this moment.
 *
 * Threat: a freeze or revocation that this worker acknowledged while it checked (the ledger was read, other uses had their
 * turn) is followed by an effect. Measure: nothing is waited for between this and the call of the transaction.
 */
function checkStanding({ grant, request, owner, asker }: CheckedUse, { views, clock }: PerformPorts): void {
  const present = {
    owner: views.get(owner.view.id),
    home: views.get(asker.owner),
    grant,
    request,
    now: clock(),
  };
  checkFresh(present);
  checkNotRevoked(present);
  checkNotFrozen(present);
}

async function intend(use: CheckedUse, ports: PerformPorts, body: Uint8Array, now: number): Promise<{ event: number }> {
  const { request, permit, use: proof } = use;
  const { index } = await ports.ledger.intend({
    use: proof.id,
    request: request.id,
    permit: permit.id,
    count: use.count,
    ceilings: use.grant.ceilings,
    counter: proof.payload.counter,
    uses: permit.payload.uses,
    exp: Math.max(request.payload.exp, permit.payload.exp, proof.payload.exp),
    now,
    event: newEvent(body, ports),
  });
  return { event: index };
}

async function attempt(use: CheckedUse, act: Act): Promise<Result> {
  try {
    const body = await act(use);
    if (body && body.length > maxAnswerBodyBytes)
      return { result: 'unknown', code: 'worker.outcome_unknown', body: null };
    return { result: 'done', code: doneCode, body };
  } catch (error) {
    const { code } = entryOf(error);
    const certain = error instanceof CaponierError && certainlyNot(code);
    return certain
      ? { result: 'refused', code, body: null }
      : { result: 'unknown', code: 'worker.outcome_unknown', body: null };
  }
}

/** Whether the code says that nothing was done. A store that fails half way does not. */
function certainlyNot(code: ErrorCode): boolean {
  return code !== 'worker.outcome_unknown' && code !== 'host.internal' && !code.startsWith('store.');
}

/**
 * At start, before the first request: what a crash cut off between intent and outcome is `unknown`, and nothing is tried
 * again. Gives how many there were.
 */
export async function recoverUses(ports: OutcomePorts): Promise<number> {
  const { ledger } = ports;
  let count = 0;
  for (;;) {
    const open = await ledger.openIntents();
    if (open.length === 0) return count;
    for (const { owner, request, permit, use, event } of open) {
      const result: Result = { result: 'unknown', code: 'worker.outcome_unknown', body: null };
      const outcome = await signOutcome({ owner, request, permit, use, event }, result, ports);
      await ledger.finish({ use, event: outcomeEvent(outcome, ports) });
      count += 1;
    }
  }
}

type Ids = Pick<Payload<'outcome'>, 'request' | 'permit' | 'use' | 'event'> & { readonly owner: string };

/** `event` is that of the intent: the outcome's own holds this statement and so cannot be named in it. */
function signOutcome(
  ids: Ids,
  { result, code, body }: Result,
  { signer, random, clock }: OutcomePorts,
): Promise<string> {
  const { owner, request, permit, use, event } = ids;
  return sign(signer, 'outcome', {
    aud: owner,
    request,
    permit,
    use,
    result,
    code,
    body: body && digestBody(body, random),
    event,
    iat: Math.floor(clock() / 1000),
    nonce: toBase64url(random(16)),
  });
}

function outcomeEvent(outcome: string, ports: OutcomePorts): NewEvent {
  return newEvent(encodeWorkerEvent({ type: 'outcome', statement: outcome }), ports);
}

function newEvent(body: Uint8Array, { signer, random, clock }: OutcomePorts): NewEvent {
  return { service: signer.did, salt: random(16), body, at: clock() };
}
