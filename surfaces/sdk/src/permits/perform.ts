import { CaponierError, crypto, toBase64url, utf8 } from '@caponier/crypto';
import {
  digestBody,
  type ErrorCode,
  entryOf,
  errorCatalogue,
  errorOfProblem,
  fail,
  limits,
  type Payload,
  permitWire,
  type Signer,
  sign,
  type Verified,
  verifyStatement,
} from '@caponier/protocol';
import {
  encodeUse,
  type Grant,
  maxRequestSeconds,
  maxUseSeconds,
  type OwnerView,
  openOutcome,
  requireTime,
  usePath,
} from '@caponier/verify';
import { keepUse } from '../capsule/kept.ts';
import type { Service } from '../directory/types.ts';
import { call } from '../platform/call.ts';
import type { Platform } from '../platform/platform.ts';
import type { KeyValue } from '../store/key-value.ts';
import type { Views } from '../views/views.ts';
import type { DeviceAsks } from './asks.ts';
import { chooseGrant } from './grant.ts';
import type { Journal } from './journal.ts';
import type { Asker, Performed, PerformOptions } from './types.ts';

/** Seconds a request is good: long enough for a person to be asked. */
const requestSeconds = 3_600;
/** Milliseconds for which a service that is behind is asked again, and between two tries. */
const catchUpMs = { most: 15_000, pause: 500 } as const;

export interface PerformPorts extends Platform {
  readonly signer: Signer;
  readonly views: Views;
  readonly asks: DeviceAsks;
  readonly journal: Journal;
  readonly store: KeyValue;
  service(role: Service['role'], of?: string): Service;
}

/** A service says one of these while its view of the owner is behind; nothing was decided or done. */
const behind: ReadonlySet<string> = new Set([
  'owner.stale_view',
  'owner.unknown',
  'owner.withheld',
  'owner.not_enrolled',
  'grant.not_found',
  'gate.no_policy',
]);

/** One life of a request, from this side. */
export async function perform(ports: PerformPorts, options: PerformOptions): Promise<Performed> {
  const life = await begin(ports, options);
  const { request } = life;
  const { journal } = ports;
  await journal.asked(request.payload, request.id);
  try {
    const { permit, approvals } = await permitFor(ports, life, options);
    await journal.decided(request.id, permit.payload.decision, permit.payload.code);
    const { use: proof, outcome, body } = await present(ports, life, permit, approvals, options.signal);
    await keepUse(ports.store, request.id, { use: proof, outcome: outcome.jws, body: life.body }, ports.clock());
    await journal.ended(request.id, outcome.payload.result, outcome.payload.code);
    await report(ports, life, outcome);
    if (outcome.payload.result !== 'done') throw refusalOf(outcome.payload.code, 'worker.outcome_unknown');
    const result: unknown = body === null ? null : JSON.parse(new TextDecoder().decode(body));
    return { request: request.id, permit, outcome, result };
  } catch (error) {
    await journal.failed(request.id, entryOf(error).code);
    throw error;
  }
}

interface Life {
  readonly asker: Asker;
  readonly request: Verified<'request'>;
  readonly body: Uint8Array | null;
  readonly grant: Grant;
  readonly decider: Service;
  readonly worker: Service;
}

async function begin(ports: PerformPorts, options: PerformOptions): Promise<Life> {
  const { views, signer, random, clock } = ports;
  const asker = options.asker ?? { signer, agent: null, delegations: [] };
  const view = await views.until(() => true);
  const worker = ports.service('worker', options.class);
  const wanted = { ...options, device: signer.did, agent: asker.agent };
  const grant = grantOf(view, options.grant) ?? chooseGrant(view, wanted, clock());
  const decider = ports.service(grant.decides);
  const body = options.body === null ? null : utf8(JSON.stringify(options.body));
  const iat = Math.floor(clock() / 1000);
  const payload: Payload<'request'> = {
    aud: worker.key,
    owner: view.id,
    device: signer.did,
    agent: asker.agent,
    delegations: asker.delegations.map((jws) => verifyStatement(jws, 'delegate').id),
    grant: grant.id,
    class: options.class,
    op: options.op,
    resource: options.resource,
    purpose: options.purpose,
    amount: options.amount ?? null,
    uses: 1,
    body: body && digestBody(body, random),
    iat,
    exp: iat + Math.min(requestSeconds, maxRequestSeconds),
    nonce: toBase64url(random(16)),
  };
  const request = verifyStatement(await sign(asker.signer, 'request', payload), 'request');
  return { asker, request, body, grant, decider, worker };
}

function grantOf(view: OwnerView, id: string | undefined): Grant | undefined {
  if (id === undefined) return undefined;
  const grant = view.grant(id);
  if (!grant) throw fail('grant.not_found');
  return grant;
}

/**
 * The parameters, where they are shown to who decides: a gate judges a call by where it goes. A broker does not look, so it
 * is shown nothing. What is secret in them is sealed to the worker.
 */
const shownBody = ({ body, grant }: Life): string | null =>
  body !== null && grant.decides === 'gate' ? toBase64url(body) : null;

interface Decided {
  readonly permit: Verified<'permit'>;
  readonly approvals: readonly string[];
}

async function permitFor(ports: PerformPorts, life: Life, options: PerformOptions): Promise<Decided> {
  const first = await submit(ports, life, [], options.signal);
  if (first.payload.decision === 'allow') return { permit: first, approvals: [] };
  if (first.payload.decision === 'deny') throw refusalOf(first.payload.code, 'policy.denied');
  return askPeople(ports, life, first, options);
}

/** The gate wants a yes: every approver's device is asked, and each answer is shown to the gate until it decides. */
async function askPeople(
  { asks, clock, wait, ...ports }: PerformPorts,
  life: Life,
  asked: Verified<'permit'>,
  { onAsk, signal }: PerformOptions,
): Promise<Decided> {
  const { request, asker, body } = life;
  const question = await asks.ask({
    type: 'ask',
    request: request.jws,
    delegations: asker.delegations,
    permit: asked.jws,
    body: body !== null && body.length <= maxShownBytes ? shownBody(life) : null,
  });
  const over = new AbortController();
  const stop = () => question.end();
  signal?.addEventListener('abort', stop, { once: true });
  void wait(Math.max(0, request.payload.exp * 1000 - clock()), over.signal).then(stop);
  try {
    onAsk?.({ request: request.id, devices: question.devices });
    if (question.devices === 0) throw fail('approval.missing', 'nobody to ask');
    const approvals: string[] = [];
    for await (const answer of question.answers) {
      approvals.push(answer);
      const permit = await submit({ ...ports, asks, clock, wait }, life, approvals, signal);
      const { decision, code } = permit.payload;
      if (decision === 'allow') return { permit, approvals };
      if (decision === 'deny') throw refusalOf(code, 'approval.denied');
      if (approvals.length >= permitWire.maxApprovals) break;
    }
    throw fail('approval.missing', 'no answer in time');
  } finally {
    over.abort();
    signal?.removeEventListener('abort', stop);
    question.end();
  }
}

async function submit(
  ports: PerformPorts,
  life: Life,
  approvals: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Verified<'permit'>> {
  const { transport, random } = ports;
  const { request, asker, decider } = life;
  const message: permitWire.PermitRequest = {
    bundle: [request.jws, ...asker.delegations, ...approvals],
    body: shownBody(life),
    key: toBase64url(random(16)),
  };
  const { permit: jws } = await whileBehind(ports, () =>
    call(transport, decider, '/permits', permitWire.PermitAnswer, { body: message, ...(signal && { signal }) }),
  );
  return openPermit(ports, life, jws);
}

/** By the service that was asked, which the owner's trust names, about this request. Throws `permit.*`. */
function openPermit({ clock }: PerformPorts, { request, decider }: Life, jws: string): Verified<'permit'> {
  const permit = verifyStatement(jws, 'permit');
  const { aud, owner, request: id, grant } = permit.payload;
  if (permit.kid !== decider.key) throw fail('permit.bad_issuer');
  if (id !== request.id || owner !== request.payload.owner || grant !== request.payload.grant)
    throw fail('permit.request_mismatch');
  if (aud !== request.payload.aud) throw fail('permit.wrong_audience');
  // An `ask` waits as long as its request; only a yes is short.
  const most = permit.payload.decision === 'allow' ? limits.permitSeconds.max : maxRequestSeconds;
  requireTime(permit.payload, clock(), 'permit.expired', most);
  return permit;
}

async function present(
  ports: PerformPorts,
  life: Life,
  permit: Verified<'permit'>,
  approvals: readonly string[],
  signal: AbortSignal | undefined,
): Promise<ReturnType<typeof openOutcome> & { readonly use: string }> {
  const { transport, random, clock } = ports;
  const { asker, request, body, worker } = life;
  const iat = Math.floor(clock() / 1000);
  const jws = await sign(asker.signer, 'use', {
    aud: worker.key,
    permit: permit.id,
    request: request.id,
    method: 'POST',
    path: usePath,
    body: toBase64url(crypto.sha256(body ?? new Uint8Array(0))),
    counter: 0,
    iat,
    exp: iat + maxUseSeconds,
    nonce: toBase64url(random(16)),
  });
  const named = permit.payload.approvals;
  const shown = approvals.filter((approval) => named.includes(verifyStatement(approval, 'approval').id));
  const bundle = [request.jws, ...asker.delegations, permit.jws, ...shown, jws];
  const bytes = await whileBehind(ports, async () => {
    const answer = await transport.fetch(
      `${worker.url}${usePath}`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: encodeUse(bundle, body),
        timeout: useTimeoutMs,
        ...(signal && { signal }),
      },
      worker.pin ?? undefined,
    );
    if (answer.status !== 200) throw errorOfProblem(await answer.json().catch(() => null));
    return answer.bytes();
  });
  const ids = {
    worker: worker.key,
    owner: request.payload.owner,
    request: request.id,
    permit: permit.id,
    use: verifyStatement(jws, 'use').id,
  };
  return { use: jws, ...openOutcome(bytes, ids) };
}

/** Bytes of parameters that a card carries to a person. */
const maxShownBytes = 64 * 1024;
/** Milliseconds for a worker's answer: it may wait for somebody outside. */
const useTimeoutMs = 90_000;

/** Tells who decided what came of it, so that their record has it, and budget comes back. What fails here undoes nothing. */
async function report({ transport }: PerformPorts, { decider }: Life, outcome: Verified<'outcome'>): Promise<void> {
  const body = { outcome: outcome.jws };
  await call(transport, decider, '/outcomes', permitWire.OutcomeAnswer, { body }).catch((error: unknown) => {
    if (!(error instanceof CaponierError)) throw error;
  });
}

async function whileBehind<T>({ clock, wait }: PerformPorts, work: () => Promise<T>): Promise<T> {
  const end = clock() + catchUpMs.most;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!behind.has(entryOf(error).code) || clock() >= end) throw error;
      await wait(catchUpMs.pause, new AbortController().signal);
    }
  }
}

/** What a statement says went wrong, as an error of the catalogue. */
function refusalOf(code: string, unknown: ErrorCode): CaponierError {
  return fail(Object.hasOwn(errorCatalogue, code) ? (code as ErrorCode) : unknown, code);
}
