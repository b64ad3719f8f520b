import { CaponierError } from '@caponier/crypto';
import { type ErrorCode, entryOf, fail, type Verified } from '@caponier/protocol';
import type { Submission } from '../ports/decision-ledger.ts';
import { MAX_TRIES } from './limits.ts';
import { Rates } from './rates.ts';
import type { DecisionRecord, MadeDecision } from './record.ts';
import { Turns } from './turns.ts';

/** A request whose asker is proven. */
export interface KnownAsker {
  readonly owner: string;
  /** Agent by name or device by key, with its owner where that is another. */
  readonly subject: string;
  /** Who stands behind the subject and could give it any number of names: its device, or the contact's owner. */
  readonly group: string;
  readonly request: Verified<'request'>;
  /** Approvals that came along, verified or not. */
  readonly approvals: readonly string[];
}

/** What broker and gate do differently; every step throws the code of what it refuses. */
export interface DecisionSteps<Known extends KnownAsker> {
  /** Form, signature, view, enrolment, agent. */
  know(): Promise<Known>;
  /** Expiry. */
  checkTimes(known: Known): void;
  /**
   * Status, freeze, grant, body. Asked before and after the decision is made: a freeze that was acknowledged while this
   * request waited for its turn, or was being judged, counts.
   */
  checkStanding(known: Known): void;
  /** The decision itself; asked for again where a budget moved in between. */
  judge(known: Known): Promise<MadeDecision>;
}

/**
 * Decides submissions, always in this order (design section 8): form, signature → view, enrolment, agent → idempotency →
 * expiry → replay → status and freeze → policy or grant → budgets, in one transaction with the event → permit. Every
 * outcome is an event; what cannot be ascribed to somebody known is counted.
 */
export class DecisionDesk {
  readonly #record: DecisionRecord;
  readonly #turns = new Turns();
  readonly #rates: Rates;

  constructor(record: DecisionRecord, clock: () => number) {
    this.#record = record;
    this.#rates = new Rates(clock);
  }

  /** The permit, durable. Throws the code of the first check that fails. */
  async decide<Known extends KnownAsker>(key: string, steps: DecisionSteps<Known>): Promise<string> {
    let admitted: Known | undefined;
    try {
      const known = await steps.know();
      this.#rates.take(known.owner, known.subject, known.group);
      admitted = known;
      return await this.inTurn(known.owner, () => this.#decideKnown(key, known, steps));
    } catch (error) {
      const { code } = entryOf(error);
      if (admitted && saysNo(error)) await this.#record.refuse(admitted.owner, admitted.request.id, code);
      else this.#record.refuseStranger(code);
      throw error;
    }
  }

  /** Runs `work` when no decision of this owner is under way. Throws `gate.busy`. */
  inTurn<T>(owner: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(owner, work);
  }

  async #decideKnown<Known extends KnownAsker>(
    key: string,
    known: Known,
    steps: DecisionSteps<Known>,
  ): Promise<string> {
    const record = this.#record;
    const { owner, subject, group, request } = known;
    const submission: Submission = {
      owner,
      subject,
      group,
      key,
      request: request.id,
      kid: request.kid,
      nonce: request.payload.nonce,
      approvals: [...known.approvals].sort().join(' '),
    };
    const standing = await record.ledger.standing(submission);
    if (standing.answer) return record.permitOf(standing.answer);
    steps.checkTimes(known);
    if (standing.request === 'decided') throw fail('request.replayed');
    steps.checkStanding(known);
    record.requireWitnessed();
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const made = await steps.judge(known);
      steps.checkStanding(known);
      const permit = await record.decide(submission, request.payload.exp, made);
      if (permit !== 'stale') return permit;
    }
    throw fail('gate.busy', 'a budget that never rests');
  }
}

/** Whether the error says something about the request, and not about our own condition. */
function saysNo(error: unknown): boolean {
  const ours: readonly ErrorCode[] = ['gate.busy', 'gate.unwitnessed', 'host.internal', 'host.rate_limited'];
  const { code } = entryOf(error);
  return error instanceof CaponierError && !ours.includes(code) && !code.startsWith('store.');
}
