import { fail, idOf, type permitWire, type Verified, verifyStatement } from '@caponier/protocol';
import type { DecisionDesk, DecisionRecord } from '@caponier/store';
import type { ServiceViews } from '@caponier/verify';

export interface ReportsOptions {
  readonly record: DecisionRecord;
  readonly views: ServiceViews;
  readonly desk: DecisionDesk;
}

/**
 * Takes what workers report. Reserved budget comes back only on `refused`, signed by the worker that the permit is for:
 * workers sign it after they have taken the permit's use, so nothing that was given back can still be spent. Whatever is
 * silent stays reserved.
 */
export class Reports {
  readonly #options: ReportsOptions;

  constructor(options: ReportsOptions) {
    this.#options = options;
  }

  /** Throws `statement.*`, `outcome.unknown_permit`, `outcome.bad_signer`, `outcome.settled`. */
  async take({ outcome: jws }: permitWire.OutcomeRequest): Promise<permitWire.OutcomeAnswer> {
    const { record, views, desk } = this.#options;
    const outcome = verifyStatement(jws, 'outcome');
    const { aud: owner, request, permit } = outcome.payload;
    const issued = await this.#permitOf(request, permit);
    if (issued.payload.owner !== owner) throw fail('outcome.unknown_permit', 'another owner');
    await views.resolve(owner);
    const [kept] = await record.ledger.statements([request]);
    if (!kept) throw fail('store.damaged', 'the request of a decision is gone');
    const { class: of, aud } = verifyStatement(kept.jws, 'request').payload;
    // Trusted when the permit was made and still: a worker that its owner has dropped gives nothing back.
    if (outcome.kid !== aud || !views.get(owner).view.isWorker(of, outcome.kid)) throw fail('outcome.bad_signer');
    return desk.inTurn(owner, () => record.report(outcome));
  }

  async #permitOf(request: string, id: string): Promise<Verified<'permit'>> {
    const { record } = this.#options;
    const known = await record.ledger.request(request);
    for (const decided of known?.decisions ?? []) {
      const permit = await record.permitOf(decided);
      if (idOf(permit) === id) return verifyStatement(permit, 'permit');
    }
    throw fail('outcome.unknown_permit');
  }
}
