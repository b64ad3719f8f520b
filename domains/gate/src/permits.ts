import { CaponierError, fromBase64url } from '@caponier/crypto';
import { type ErrorCode, entryOf, fail, idOf, type permitWire, type Signer, type Verified } from '@caponier/protocol';
import type { DecisionRecord, Submission } from '@caponier/store';
import {
  askUnderCheck,
  Bundle,
  checkAskBody,
  checkAsker,
  checkAskGrant,
  checkAskStanding,
  checkAskTimes,
  judgeApproval,
  type RequestUnderCheck,
  type Views,
} from '@caponier/verify';
import { type Case, type JudgeOptions, judge } from './judge.ts';
import { MAX_TRIES } from './limits.ts';
import type { Policies } from './policies.ts';
import { Rates } from './rates.ts';
import type { Turns } from './turns.ts';

/** Where the gate's views come from; a `LogFollower` is one. */
export interface GateViews extends Views {
  /** As `get`, after asking for statements that were not shown. */
  resolve(owner: string): Promise<unknown>;
  /** A freeze or revocation from the owner's own hand. */
  offer(statement: string, cosigns: readonly string[]): Promise<void>;
}

export interface PermitsOptions extends JudgeOptions {
  readonly record: DecisionRecord;
  readonly policies: Policies;
  readonly signer: Signer;
  readonly views: GateViews;
  readonly turns: Turns;
}

/**
 * Decides one submission, always in this order (design section 8): form, signature → view, enrolment, agent → idempotency →
 * expiry → replay → status and freeze → policy → budgets, in one transaction with the event → permit. Every outcome is an
 * event; what cannot be ascribed to somebody known is counted.
 */
export class Permits {
  readonly #options: PermitsOptions;
  readonly #rates: Rates;

  constructor(options: PermitsOptions) {
    this.#options = options;
    this.#rates = new Rates(options.clock);
  }

  /** The permit, durable. Throws the code of the first check that fails. */
  async decide(asked: permitWire.PermitRequest): Promise<string> {
    const { record } = this.#options;
    let check: RequestUnderCheck | undefined;
    try {
      const known = await this.#known(asked);
      this.#rates.take(`${known.owner.view.id} ${subjectOf(known)}`);
      check = known;
      return await this.#options.turns.take(known.owner.view.id, () => this.#decideKnown(known, asked));
    } catch (error) {
      const { code } = entryOf(error);
      if (check && isRefusal(error)) await record.refuse(check.owner.view.id, check.request.id, code);
      else record.refuseStranger(code);
      throw error;
    }
  }

  /** Form, signature, view, enrolment, agent: who asks, proven. */
  async #known({ bundle: texts }: permitWire.PermitRequest): Promise<RequestUnderCheck> {
    const { views, clock, signer } = this.#options;
    const bundle = Bundle.open(texts);
    const { owner, grant } = bundle.request.payload;
    await views.resolve(owner);
    const { view } = views.get(owner);
    if (!view.isGate(signer.did)) throw fail('permit.bad_issuer', 'not a gate of this owner');
    const home = view.grant(grant)?.to.owner;
    if (home) await views.resolve(home);
    const check = askUnderCheck(bundle, views, clock());
    checkAsker(check);
    return check;
  }

  async #decideKnown(check: RequestUnderCheck, asked: permitWire.PermitRequest): Promise<string> {
    const { record } = this.#options;
    const { request, bundle } = check;
    const shown = bundle.shownApprovals;
    const submission: Submission = {
      owner: check.owner.view.id,
      subject: subjectOf(check),
      key: asked.key,
      request: request.id,
      kid: request.kid,
      nonce: request.payload.nonce,
      approvals: shown
        .map(({ jws }) => idOf(jws))
        .sort()
        .join(' '),
    };
    const standing = await record.ledger.standing(submission);
    if (standing.answer) return record.permitOf(standing.answer);
    checkAskTimes(check);
    if (standing.request === 'decided') throw fail('request.replayed');
    checkAskStanding(check);
    checkAskGrant(check, 'gate');
    const body = bodyOf(asked.body, check);
    record.requireWitnessed();
    return this.#judge(check, shown, body, submission);
  }

  async #judge(
    check: RequestUnderCheck,
    shown: readonly Verified<'approval'>[],
    body: Uint8Array | null,
    submission: Submission,
  ): Promise<string> {
    const { record, policies } = this.#options;
    const { request, bundle } = check;
    const { id: policyId, policy } = await policies.get(check.owner.view);
    const { approvals, denial } = this.#answers(check, shown, policyId);
    const asked: Case = {
      request,
      delegations: bundle.delegations,
      approvals,
      denial,
      device: check.device,
      grant: check.grant,
      subject: submission.subject,
      body,
      policyId,
      policy,
    };
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const made = await judge(asked, this.#options);
      const permit = await record.decide(submission, request.payload.exp, made);
      if (permit !== 'stale') return permit;
    }
    throw fail('gate.busy', 'a budget that never rests');
  }

  /** What approvers said, one voice each; a no is heard whatever else they said. Throws `approval.invalid`. */
  #answers(check: RequestUnderCheck, shown: readonly Verified<'approval'>[], policy: string) {
    const terms = { decider: this.#options.signer.did, policy };
    const yes = new Map<string, Verified<'approval'>>();
    let denial: Verified<'approval'> | null = null;
    for (const approval of shown) {
      const { key } = judgeApproval(check, approval, terms);
      if (approval.payload.decision === 'deny') denial = approval;
      else if (!yes.has(key)) yes.set(key, approval);
    }
    return { approvals: [...yes.values()], denial };
  }
}

/** By name, never by run key; a contact's names are told apart from the owner's own. */
function subjectOf({ asker, owner }: RequestUnderCheck): string {
  const name = asker.agent ?? asker.device;
  return asker.owner === owner.view.id ? name : `${asker.owner}/${name}`;
}

/** The body, which is shown where the request has one. Throws `permit.request_mismatch`. */
function bodyOf(text: string | null, check: RequestUnderCheck): Uint8Array | null {
  const body = text === null ? null : bytesOf(text);
  if (body === null && check.request.payload.body !== null) throw fail('permit.request_mismatch', 'body is not shown');
  checkAskBody(check, body);
  return body;
}

function bytesOf(text: string): Uint8Array {
  try {
    return fromBase64url(text);
  } catch (cause) {
    throw fail('host.bad_body', 'body', cause);
  }
}

/** What says something about the request, not about our own condition. */
function isRefusal(error: unknown): boolean {
  const ours: readonly ErrorCode[] = ['gate.busy', 'gate.unwitnessed', 'host.internal', 'host.rate_limited'];
  const { code } = entryOf(error);
  return error instanceof CaponierError && !ours.includes(code) && !code.startsWith('store.');
}
