import { fromBase64url, fromUtf8, type Random, toBase64url } from '@caponier/crypto';
import { entryOf, fail, type Payload, type Signer, sign, type Verified, verifyStatement } from '@caponier/protocol';
import {
  askUnderCheck,
  Bundle,
  checkAskBody,
  checkAsker,
  checkAskGrant,
  checkAskStanding,
  checkAskTimes,
  judgeApproval,
  maxApprovalSeconds,
  type RequestUnderCheck,
  requireTime,
} from '@caponier/verify';
import * as z from 'zod/mini';
import type { Sender } from '../mail/address.ts';
import type { ContentHandler } from '../mail/mailbox.ts';
import type { MailContent } from '../mail/types.ts';
import { jsonBytes, openJson } from '../store/json.ts';
import type { KeyValue } from '../store/key-value.ts';
import { Queue } from '../sync/queue.ts';
import type { Views } from '../views/views.ts';
import type { Asks, Card } from './types.ts';

/** Cards that wait for a person at once; above it new ones are not taken. */
const maxCards = 200;

const cardPrefix = 'ask/card/';
const answeredPrefix = 'ask/answered/';

const keptForm = z.strictObject({
  request: z.string(),
  delegations: z.array(z.string()),
  permit: z.string(),
  body: z.nullable(z.string()),
  askedAt: z.int(),
});
type Kept = z.infer<typeof keptForm>;
type AskContent = Extract<MailContent, { type: 'ask' }>;

export interface AskPorts {
  readonly store: KeyValue;
  readonly views: Views;
  readonly signer: Signer;
  readonly random: Random;
  readonly clock: () => number;
  /** Mails content to devices of this owner. */
  readonly mail: (devices: readonly Verified<'request'>['payload']['device'][], content: MailContent) => Promise<void>;
}

/** Questions that came to this device's person, and answers to those that this device asked. */
export class DeviceAsks implements Asks {
  readonly #ports: AskPorts;
  readonly #listeners = new Set<(card: Card) => void>();
  readonly #waiting = new Map<string, { readonly check: () => RequestUnderCheck; readonly answers: Queue<string> }>();

  constructor(ports: AskPorts) {
    this.#ports = ports;
  }

  readonly onContent: ContentHandler = (content, sender) =>
    content.type === 'ask' ? this.#asked(content, sender) : this.#answered(content.approval);

  // ---- a question came ----

  /** Nothing reaches the person that does not hold: the card shows what was signed, and by whom. */
  async #asked(content: AskContent, sender: Sender): ReturnType<ContentHandler> {
    const { store, clock } = this.#ports;
    const { request } = this.#check(content);
    if (sender.device.did !== request.payload.device) throw fail('request.bad_signer', 'asked by another device');
    const key = `${cardPrefix}${request.id}`;
    const known = (await store.get(key)) || (await store.get(`${answeredPrefix}${request.id}`));
    if (known) return { changes: [], tell: () => {} };
    await this.#forget();
    if ((await store.list(cardPrefix)).length >= maxCards) throw fail('relay.too_many', 'cards');
    const kept: Kept = {
      request: content.request,
      delegations: [...content.delegations],
      permit: content.permit,
      body: content.body,
      askedAt: Math.floor(clock() / 1000),
    };
    const card = this.#cardOf(kept);
    return {
      changes: [[key, jsonBytes(kept)]],
      tell: () => {
        for (const listener of this.#listeners) listener(card);
      },
    };
  }

  /**
   * All that the gate checked, again: who asks, by whose leave, in time, under which grant; and that it is the gate the
   * grant names which wants a yes. Throws the code of the first check that fails.
   */
  #check({
    request: jws,
    delegations,
    permit: permitJws,
    body,
  }: Omit<Kept, 'askedAt'> | AskContent): RequestUnderCheck {
    const { views, clock } = this.#ports;
    const bundle = Bundle.open([jws, ...delegations, permitJws]);
    const check = askUnderCheck(bundle, views, clock());
    const { request, grant, owner } = check;
    if (owner.view.id !== views.get().view.id) throw fail('approval.invalid', 'for another owner');
    checkAsker(check);
    checkAskBody(check, body === null ? null : fromBase64url(body));
    checkAskTimes(check);
    checkAskStanding(check);
    checkAskGrant(check, grant.decides);
    const { kid, payload: permit } = bundle.permit;
    const named = grant.decides === 'gate' ? owner.view.isGate(kid) : owner.view.isBroker(kid);
    if (!named) throw fail('permit.bad_issuer', 'asked by another gate');
    const about = permit.request === request.id && permit.owner === owner.view.id && permit.grant === grant.id;
    if (!about || permit.aud !== request.payload.aud) throw fail('permit.request_mismatch', 'ask');
    if (permit.decision !== 'ask') throw fail('permit.not_allowed', permit.decision);
    requireTime({ iat: permit.iat, exp: request.payload.exp }, clock(), 'permit.expired');
    return check;
  }

  #cardOf(kept: Kept): Card {
    const { request, device, bundle } = this.#check(kept);
    const { agent, class: of, op, resource, purpose, amount, exp } = request.payload;
    const { code, rule } = bundle.permit.payload;
    return {
      id: request.id,
      agent: agent ?? device.name,
      device: device.name,
      class: of,
      op,
      resource,
      purpose,
      amount,
      code,
      rule,
      body: textOf(kept.body),
      askedAt: kept.askedAt,
      expires: exp,
    };
  }

  async list(): Promise<readonly Card[]> {
    await this.#forget();
    const entries = await this.#ports.store.list(cardPrefix);
    return entries
      .flatMap(([, bytes]) => {
        try {
          return [this.#cardOf(openJson(bytes, keptForm, 'store.damaged'))];
        } catch (error) {
          // What cannot be judged now is not hidden: the person is told so.
          const { code } = entryOf(error);
          if (code === 'owner.stale_view' || code.startsWith('log.') || code.startsWith('store.')) throw error;
          // What no longer holds (the agent was frozen, the grant revoked) is no question any more.
          return [];
        }
      })
      .sort((a, b) => a.askedAt - b.askedAt);
  }

  onCard(listener: (card: Card) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #kept(id: string): Promise<Kept> {
    const bytes = await this.#ports.store.get(`${cardPrefix}${id}`);
    if (!bytes) throw fail('host.not_found', 'no such ask');
    return openJson(bytes, keptForm, 'store.damaged');
  }

  async approvalOf(id: string, decision: 'allow' | 'deny'): Promise<Payload<'approval'>> {
    const { random, clock } = this.#ports;
    const { bundle, request, owner } = this.#check(await this.#kept(id));
    const iat = Math.floor(clock() / 1000);
    return {
      aud: bundle.permit.kid,
      owner: owner.view.id,
      decision,
      request: request.id,
      policy: bundle.permit.payload.policy,
      iat,
      exp: Math.min(iat + maxApprovalSeconds, request.payload.exp),
      nonce: toBase64url(random(16)),
    };
  }

  async answer(id: string, decision: 'allow' | 'deny'): Promise<void> {
    const { signer, views } = this.#ports;
    if (!views.get().view.approver(signer.did)) throw fail('owner.not_authorised', 'not an approver');
    await this.answerSigned(await sign(signer, 'approval', await this.approvalOf(id, decision)));
  }

  async answerSigned(jws: string): Promise<void> {
    const { store, mail, clock } = this.#ports;
    const approval = verifyStatement(jws, 'approval');
    const { request: id } = approval.payload;
    const check = this.#check(await this.#kept(id));
    judgeApproval(check, approval, termsOf(check));
    const { device, exp } = check.request.payload;
    // Mailed first: a crash between shows the card again, which hurts nobody; the other order would lose the answer.
    await mail([device], { type: 'answer', approval: jws });
    await store.put([
      [`${cardPrefix}${id}`, null],
      [`${answeredPrefix}${id}`, jsonBytes(Math.max(exp, Math.floor(clock() / 1000)))],
    ]);
  }

  /** Cards and answers that ran out. */
  async #forget(): Promise<void> {
    const { store, clock } = this.#ports;
    const now = clock() / 1000;
    const answered = (await store.list(answeredPrefix)).filter(
      ([, bytes]) => openJson(bytes, z.number(), 'store.damaged') + 3600 < now,
    );
    const cards = (await store.list(cardPrefix)).filter(([, bytes]) => {
      const { request } = openJson(bytes, keptForm, 'store.damaged');
      return verifyStatement(request, 'request').payload.exp < now;
    });
    const gone = [...answered, ...cards].map(([key]) => key);
    if (gone.length > 0) await store.delete(...gone);
  }

  // ---- an answer came ----

  async #answered(jws: string): ReturnType<ContentHandler> {
    const approval = verifyStatement(jws, 'approval');
    const waiting = this.#waiting.get(approval.payload.request);
    if (!waiting) throw fail('approval.invalid', 'nothing of ours waits for it');
    const check = waiting.check();
    judgeApproval(check, approval, termsOf(check));
    return { changes: [], tell: () => waiting.answers.push(jws) };
  }

  /** Sends the question to every approver of the owner that is a device, and gives the answers as they come. */
  async ask(
    content: AskContent,
  ): Promise<{ readonly answers: AsyncIterable<string>; readonly devices: number; end(): void }> {
    const { views, mail } = this.#ports;
    const { request, grant } = this.#check(content);
    const { view } = views.get();
    const devices = view
      .approvers()
      .flatMap(({ key }) => view.device(key) ?? [])
      .filter(
        ({ did }) => !view.frozen(did) && (grant.approvals.from.length === 0 || grant.approvals.from.includes(did)),
      )
      .map(({ did }) => did);
    const answers = new Queue<string>();
    this.#waiting.set(request.id, { check: () => this.#check(content), answers });
    const end = () => {
      this.#waiting.delete(request.id);
      answers.end();
    };
    try {
      if (devices.length > 0) await mail(devices, content);
    } catch (error) {
      end();
      throw error;
    }
    return { answers, devices: devices.length, end };
  }
}

const termsOf = ({ bundle }: RequestUnderCheck) => ({
  decider: bundle.permit.kid,
  policy: bundle.permit.payload.policy,
});

/** The parameters as the person reads them. What is not text is not shown. */
function textOf(body: string | null): string | null {
  if (body === null) return null;
  try {
    return fromUtf8(fromBase64url(body));
  } catch {
    return null;
  }
}
