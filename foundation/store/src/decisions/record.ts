import { type Random, toBase64url } from '@caponier/crypto';
import {
  type DecisionEvent,
  decodeDecisionEvent,
  type ErrorCode,
  encodeDecisionEvent,
  fail,
  type Payload,
  type permitWire,
  type Signer,
  sign,
  type Verified,
} from '@caponier/protocol';
import type { Decided, Decision, DecisionLedger, RequestRecord, Submission } from '../ports/decision-ledger.ts';
import { EVENT_SALT_BYTES, type EventLog, type NewEvent } from '../ports/event-log.ts';
import { createEventPublisher, type EventPublisher, type EventSink } from '../publisher.ts';
import { MAX_TRIES } from './limits.ts';
import { RefusalCounter } from './refusals.ts';

/**
 * Milliseconds that an event may wait for the log before no more decisions are made. A checkpoint dated 10 s after a permit
 * that does not cover its event is an alarm against its issuer (design section 1): an honest one stops before.
 */
export const MAX_BEHIND_MS = 5_000;

export interface DecisionRecordOptions {
  readonly ledger: DecisionLedger;
  readonly log: EventLog;
  /** Who decides. Ed25519: its signatures are deterministic, so a permit signed again is the same permit. */
  readonly signer: Signer;
  readonly sink: EventSink;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly random: Random;
  /** Resolves after so many milliseconds; the runtime's timer where it is left out. */
  readonly wait?: (ms: number) => Promise<void>;
  /** Told when the log or the publication fails. */
  readonly onFailure?: (error: unknown) => void;
}

/** A decision to be recorded: everything of its permit but the index of its event. */
export interface MadeDecision extends Pick<Decision, 'assumed' | 'reserve' | 'statements'> {
  readonly permit: Omit<Payload<'permit'>, 'event'>;
  readonly delegations: readonly string[];
  readonly facts: string | null;
}

/** What broker and gate have decided: written before anybody hears of it, and shown to the owner it concerns. */
export class DecisionRecord {
  readonly #options: DecisionRecordOptions;
  readonly #publisher: EventPublisher;
  readonly #refusals: RefusalCounter;

  constructor(options: DecisionRecordOptions) {
    this.#options = options;
    const { log, signer, sink, clock, onFailure } = options;
    const wait = options.wait ?? ((ms) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref()));
    this.#publisher = createEventPublisher({
      log,
      service: signer.did,
      sink,
      clock,
      wait,
      ...(onFailure && { onFailure }),
    });
    this.#refusals = new RefusalCounter({
      clock,
      wait,
      append: async (body) => {
        await log.append(this.#event(body));
        this.#publisher.kick();
      },
    });
  }

  get ledger(): DecisionLedger {
    return this.#options.ledger;
  }

  /** Throws `gate.unwitnessed` while decisions do not reach the log. */
  requireWitnessed(): void {
    if (this.#publisher.behind() > MAX_BEHIND_MS) throw fail('gate.unwitnessed');
  }

  /** Resolves when the log has every event so far. */
  drained(): Promise<void> {
    return this.#publisher.drained();
  }

  /** Records the decision and signs its permit, or says `stale` (see `DecisionLedger.decide`). */
  async decide(submission: Submission, exp: number, made: MadeDecision): Promise<string | 'stale'> {
    const { permit, delegations, facts, statements, assumed, reserve } = made;
    const body = encodeDecisionEvent({ type: 'decision', delegations: [...delegations], facts, permit });
    const decided = await this.ledger.decide({
      ...submission,
      decision: permit.decision,
      permit: JSON.stringify(permit),
      exp,
      now: this.#options.clock(),
      statements,
      assumed,
      reserve,
      event: this.#event(body),
    });
    this.#publisher.kick();
    return decided === 'stale' ? decided : this.permitOf(decided);
  }

  /** The permit of a decision: signed again, and the same. */
  permitOf({ event, permit }: Decided): Promise<string> {
    const { iat, exp, nonce, ...members } = JSON.parse(permit) as Omit<Payload<'permit'>, 'event'>;
    return sign(this.#options.signer, 'permit', { ...members, event, iat, exp, nonce });
  }

  /** Records that something was refused that a known device or agent asked. */
  async refuse(owner: string, request: string, code: ErrorCode): Promise<void> {
    const at = Math.floor(this.#options.clock() / 1000);
    const body = encodeDecisionEvent({ type: 'refusal', owner, request, code, at });
    await this.ledger.refuse({ owner, event: this.#event(body) });
    this.#publisher.kick();
  }

  /** Counts a refusal of what nobody known has signed. */
  refuseStranger(code: ErrorCode): void {
    this.#refusals.add(code);
  }

  /** Records a worker's outcome and gives back what it frees. Throws `outcome.settled`. */
  async report(outcome: Verified<'outcome'>): Promise<permitWire.OutcomeAnswer> {
    const { aud: owner, request, result } = outcome.payload;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const returns = result === 'refused' ? await this.ledger.reserved(request) : null;
      const event: DecisionEvent = { type: 'outcome', owner, request, outcome: outcome.id, result, returned: returns };
      const answer = await this.ledger.report({
        owner,
        request,
        outcome: outcome.id,
        jws: outcome.jws,
        result,
        returns,
        event: this.#event(encodeDecisionEvent(event)),
      });
      if (answer === 'stale') continue;
      this.#publisher.kick();
      return answer;
    }
    throw fail('gate.busy', 'reports of one request');
  }

  /** An event of this owner with its proof; undefined where there is none. */
  async event(index: number, owner: string): Promise<permitWire.EventAnswer | undefined> {
    if ((await this.ledger.ownerOfEvent(index)) !== owner) return undefined;
    return this.#eventAnswer(index);
  }

  /** Everything a capsule of the request needs from here; undefined where it is not known. */
  async material(request: string, record: RequestRecord): Promise<permitWire.MaterialAnswer> {
    const { decisions, outcomes } = record;
    const last = JSON.parse(decisions.at(-1)!.permit) as Omit<Payload<'permit'>, 'event'>;
    const answered = await Promise.all(
      decisions.map(async (decided) => ({
        permit: await this.permitOf(decided),
        event: await this.#eventAnswer(decided.event),
      })),
    );
    const reported = await Promise.all(
      outcomes.map(async ({ outcome, event }) => ({
        outcome: (await this.#statements([outcome]))[0]!,
        event: await this.#eventAnswer(event),
      })),
    );
    const policies = new Set(decisions.flatMap(({ permit }) => (JSON.parse(permit) as Payload<'permit'>).policy ?? []));
    const delegations = await this.#delegationsOf(decisions.at(-1)!.event);
    return {
      request: (await this.#statements([request]))[0]!,
      delegations: await this.#statements(delegations),
      approvals: await this.#statements(last.approvals),
      policies: await Promise.all(
        [...policies].map(async (policy) => ({ policy, text: (await this.ledger.policy(policy)) ?? '' })),
      ),
      decisions: answered,
      outcomes: reported,
    };
  }

  async close(): Promise<void> {
    await this.#refusals.close();
    await this.#publisher.close();
  }

  async #statements(ids: readonly string[]): Promise<string[]> {
    const found = await this.ledger.statements(ids);
    if (found.length !== ids.length) throw fail('store.damaged', 'a statement of a decision is gone');
    return found.map(({ jws }) => jws);
  }

  async #delegationsOf(index: number): Promise<string[]> {
    const [stored] = await this.#options.log.read({ service: this.#options.signer.did, from: index, limit: 1 });
    if (!stored?.body) return [];
    const event = decodeDecisionEvent(stored.body);
    return event.type === 'decision' ? [...event.delegations] : [];
  }

  async #eventAnswer(index: number): Promise<permitWire.EventAnswer> {
    const { log, signer, sink, onFailure } = this.#options;
    const [stored] = await log.read({ service: signer.did, from: index, limit: 1 });
    if (!stored || stored.index !== index) throw fail('store.damaged', `event ${index} is gone`);
    const { prev, hash, digest, salt, body, leaf } = stored;
    let proof: string | null = null;
    try {
      if (leaf !== null) proof = await sink.prove(leaf);
    } catch (error) {
      onFailure?.(error);
    }
    return {
      index,
      prev: toBase64url(prev),
      hash: toBase64url(hash),
      digest: toBase64url(digest),
      salt: salt && toBase64url(salt),
      body: body && toBase64url(body),
      leaf,
      proof,
    };
  }

  #event(body: Uint8Array): NewEvent {
    const { signer, random, clock } = this.#options;
    return { service: signer.did, salt: random(EVENT_SALT_BYTES), body, at: clock() };
  }
}
