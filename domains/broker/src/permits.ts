import { type Random, toBase64url } from '@caponier/crypto';
import { type Custody, fail, limits, type Payload, type permitWire, type Signer } from '@caponier/protocol';
import type { DecisionDesk, KnownAsker, MadeDecision } from '@caponier/store';
import {
  checkAskGrant,
  checkAskStanding,
  checkAskTimes,
  groupOf,
  hearApprovers,
  openSubmission,
  type RequestUnderCheck,
  type ServiceViews,
  subjectOf,
} from '@caponier/verify';

export interface PermitsOptions {
  readonly desk: DecisionDesk;
  readonly clock: () => number;
  readonly random: Random;
  readonly signer: Signer;
  readonly views: ServiceViews;
  readonly custody: Custody;
}

interface Known extends KnownAsker {
  readonly check: RequestUnderCheck;
}

type Verdict = Pick<Payload<'permit'>, 'decision' | 'code' | 'uses'>;

/** Decides submissions by standing grants: what the owner signed once covers the request, or it does not. */
export class Permits {
  readonly #options: PermitsOptions;

  constructor(options: PermitsOptions) {
    this.#options = options;
  }

  /** The permit, durable. Throws the code of the first check that fails. */
  decide({ bundle, key }: permitWire.PermitRequest): Promise<string> {
    return this.#options.desk.decide<Known>(key, {
      know: () => this.#know(bundle),
      checkTimes: (known) => checkAskTimes(this.#now(known)),
      checkStanding: (known) => {
        const check = this.#now(known);
        checkAskStanding(check);
        checkAskGrant(check, 'broker');
        // A standing grant bounds how often, not how much: money needs a policy with a budget.
        if (check.request.payload.amount) throw fail('grant.not_covered', 'money');
      },
      judge: (known) => this.#judge(known),
    });
  }

  #now({ check }: Known): RequestUnderCheck {
    return check.again(this.#options.clock());
  }

  async #know(bundle: readonly string[]): Promise<Known> {
    const check = await openSubmission(bundle, { ...this.#options, role: 'broker' });
    return {
      check,
      owner: check.owner.view.id,
      subject: subjectOf(check),
      group: groupOf(check),
      request: check.request,
      approvals: check.bundle.shownApprovals.map(({ id }) => id),
    };
  }

  async #judge(known: Known): Promise<MadeDecision> {
    const { clock, random, signer, custody } = this.#options;
    const check = this.#now(known);
    const { request, bundle, grant } = check;
    const { payload } = request;
    const { approvals, denial } = hearApprovers(check, { decider: signer.did, policy: null });
    const answers = denial ? [...approvals, denial] : approvals;
    const verdict = verdictOf(check, approvals.length, denial !== null);
    const iat = Math.floor(clock() / 1000);
    return {
      permit: {
        aud: payload.aud,
        owner: payload.owner,
        request: request.id,
        approvals: answers.map(({ id }) => id),
        ...verdict,
        rule: '',
        grant: grant.id,
        policy: null,
        budget: null,
        custody,
        iat,
        // A question stands as long as the request: its person may be asleep.
        exp: verdict.decision === 'ask' ? Math.max(payload.exp, iat + 1) : iat + limits.permitSeconds.default,
        nonce: toBase64url(random(16)),
      },
      delegations: bundle.delegations.map(({ id }) => id),
      facts: null,
      statements: [request, ...bundle.delegations, ...answers].map(({ id, jws }) => ({ id, jws })),
      assumed: [],
      reserve: null,
    };
  }
}

/**
 * As many uses as were asked for, and no more than the smallest ceiling of the grant. How many of a period's uses are left
 * is for the workers to say, who count them: a permit that is never used takes nothing from the ceiling.
 */
function verdictOf({ request, grant }: RequestUnderCheck, approvals: number, denied: boolean): Verdict {
  if (denied) return { decision: 'deny', code: 'approval.denied', uses: 0 };
  if (approvals < grant.approvals.k) return { decision: 'ask', code: 'gate.ask', uses: 0 };
  const uses = Math.min(request.payload.uses, ...grant.ceilings.map((ceiling) => ceiling.uses));
  if (uses === 0) return { decision: 'deny', code: 'grant.ceiling_reached', uses: 0 };
  return { decision: 'allow', code: 'grant.covered', uses };
}
