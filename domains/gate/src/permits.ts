import { fromBase64url } from '@caponier/crypto';
import { fail, type permitWire, type Signer } from '@caponier/protocol';
import type { DecisionDesk, KnownAsker, MadeDecision } from '@caponier/store';
import {
  checkAskBody,
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
import { type JudgeOptions, judge } from './judge.ts';
import type { Policies } from './policies.ts';

export interface PermitsOptions extends JudgeOptions {
  readonly desk: DecisionDesk;
  readonly policies: Policies;
  readonly signer: Signer;
  readonly views: ServiceViews;
}

interface Known extends KnownAsker {
  readonly check: RequestUnderCheck;
}

/** Decides submissions by the owner's policy. */
export class Permits {
  readonly #options: PermitsOptions;

  constructor(options: PermitsOptions) {
    this.#options = options;
  }

  /** The permit, durable. Throws the code of the first check that fails. */
  decide({ bundle, body, key }: permitWire.PermitRequest): Promise<string> {
    return this.#options.desk.decide<Known>(key, {
      know: () => this.#know(bundle),
      checkTimes: (known) => checkAskTimes(this.#now(known)),
      checkStanding: (known) => {
        const check = this.#now(known);
        checkAskStanding(check);
        checkAskGrant(check, 'gate');
      },
      judge: (known) => this.#judge(known, body),
    });
  }

  #now({ check }: Known): RequestUnderCheck {
    return check.again(this.#options.clock());
  }

  async #know(bundle: readonly string[]): Promise<Known> {
    const check = await openSubmission(bundle, { ...this.#options, role: 'gate' });
    return {
      check,
      owner: check.owner.view.id,
      subject: subjectOf(check),
      group: groupOf(check),
      request: check.request,
      approvals: check.bundle.shownApprovals.map(({ id }) => id),
    };
  }

  async #judge(known: Known, text: string | null): Promise<MadeDecision> {
    const { policies, signer } = this.#options;
    const { subject } = known;
    const check = this.#now(known);
    const body = bodyOf(text, check);
    const { id: policyId, policy } = await policies.get(check.owner.view);
    const { request, bundle, device, grant } = check;
    const { approvals, denial } = hearApprovers(check, { decider: signer.did, policy: policyId });
    const { delegations } = bundle;
    return judge(
      { request, delegations, approvals, denial, device, grant, subject, body, policyId, policy },
      this.#options,
    );
  }
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
