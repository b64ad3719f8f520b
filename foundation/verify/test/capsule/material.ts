import { concat, crypto, toBase64url, utf8 } from '@caponier/crypto';
import {
  canonicalFacts,
  compilePolicy,
  evaluate,
  loadPolicyEngine,
  policyFacts,
  withApprovals,
} from '@caponier/policy';
import {
  type DecisionEvent,
  digestBody,
  encodeDecisionEvent,
  eventHash,
  firstPrev,
  type Payload,
  type permitWire,
  type Signer,
  sign,
  type Verified,
  verifyStatement,
} from '@caponier/protocol';
import {
  makeApproval,
  makeOwner,
  makeRequest,
  makeUse,
  ownersLeafOf,
  type RequestOptions,
  TestLog,
  type TestOwner,
  type TestRequest,
} from '@caponier/testkit';
import { buildTrustFile, type CapsuleMaterial, encodeWorkerEvent, type LoggedStatement } from '../../src/index.ts';

/** A deployment as far as a capsule sees it: chains of events, logs, and services that say what they would say. */
export interface Scene {
  readonly owner: TestOwner;
  readonly trustFile: () => Uint8Array;
  /** A life up to its decision; `change` lets the decider say something else than its policy does. */
  readonly decide: (options: DecideOptions) => Promise<Decided>;
  /** What the worker did with it. */
  readonly work: (decided: Decided) => Promise<NonNullable<CapsuleMaterial['uses']>[number]>;
  readonly material: (decided: Decided, uses?: CapsuleMaterial['uses']) => CapsuleMaterial;
  readonly now: () => number;
}

export interface DecideOptions {
  readonly request?: RequestOptions;
  readonly approvers?: readonly ((request: TestRequest) => Promise<Verified<'approval'>>)[];
  readonly change?: Partial<Payload<'permit'>>;
  readonly facts?: (text: string) => string;
  readonly signer?: Signer;
}

export interface Decided {
  readonly request: TestRequest;
  readonly approvals: readonly Verified<'approval'>[];
  readonly permit: Verified<'permit'>;
  readonly event: permitWire.EventAnswer;
}

/** One service's chain of events, each published to the log at once. */
function eventChain(service: Signer, events: TestLog, random: TestOwner['random']) {
  const chain: { hash: Uint8Array }[] = [];
  return {
    next: () => chain.length,
    add(body: Uint8Array): Omit<permitWire.EventAnswer, 'proof'> {
      const index = chain.length;
      const prev = chain.at(-1)?.hash ?? firstPrev(service.did);
      const salt = random(16);
      const digest = crypto.sha256(concat(salt, body));
      const hash = eventHash(index, prev, digest);
      chain.push({ hash });
      const [p, h, d, s, b] = [prev, hash, digest, salt, body].map((bytes) => toBase64url(bytes));
      return { index, prev: p!, hash: h!, digest: d!, salt: s!, body: b!, leaf: events.add(hash) };
    },
  };
}

const openPolicy = `@id("all")
permit (principal, action, resource);
`;

export async function scene(policyText = openPolicy): Promise<Scene> {
  await loadPolicyEngine();
  const owner = await makeOwner('ada', { policyText });
  const { clock, random } = owner;
  const logOf = (name: string) =>
    new TestLog({
      origin: `${owner.logOrigin}/${name}`,
      registry: owner.registry,
      witnesses: [{ name: owner.witnessName, signer: owner.witness }],
      clock,
    });
  const [owners, events] = [logOf('owners'), logOf('events')];
  const indexOf = new Map<string, number>();
  const chain = (): LoggedStatement[] =>
    owner.chain.wire().map((wire) => {
      const known = indexOf.get(wire.statement) ?? owners.add(ownersLeafOf(wire.statement));
      indexOf.set(wire.statement, known);
      return { ...wire, index: known };
    });
  const chains = new Map<string, ReturnType<typeof eventChain>>();
  const chainOf = (service: Signer) => {
    const known = chains.get(service.did) ?? eventChain(service, events, random);
    chains.set(service.did, known);
    return known;
  };
  const policy = compilePolicy(policyText);

  const decide: Scene['decide'] = async ({ request: options, approvers = [], change = {}, facts: lie, signer }) => {
    const request = await makeRequest(owner, options);
    const approvals = await Promise.all(approvers.map((approve) => approve(request)));
    const { payload } = request.statement;
    const grant = owner.view.grant(payload.grant)!;
    const gate = grant.decides === 'gate';
    const iat = clock.seconds();
    const facts = policyFacts(payload, {
      device: request.asker.device,
      grant,
      body: request.body,
      time: iat,
      approvals: approvals.length,
      custody: 'same-user',
      budgets: policy.budgets,
      spent: () => 100,
    });
    const said = gate
      ? withApprovals(evaluate(policy, facts), { denied: false, needed: grant.approvals.k, counting: approvals.length })
      : ({ decision: 'allow', code: 'grant.covered', rule: '', budget: null } as const);
    const permit: Omit<Payload<'permit'>, 'event'> = {
      aud: payload.aud,
      owner: owner.id,
      request: request.statement.id,
      approvals: approvals.map(({ id }) => id),
      decision: said.decision,
      uses: said.decision === 'allow' ? 1 : 0,
      code: said.code,
      rule: said.rule,
      grant: payload.grant,
      policy: gate ? owner.view.policy!.id : null,
      budget: said.budget,
      custody: 'same-user',
      iat,
      exp: iat + 300,
      nonce: toBase64url(random(16)),
      ...change,
    };
    const decider = signer ?? (gate ? owner.gate : owner.broker);
    const text = canonicalFacts(facts);
    const event: DecisionEvent = {
      type: 'decision',
      delegations: [...payload.delegations],
      facts: gate ? (lie ? lie(text) : text) : null,
      permit,
    };
    const at = chainOf(decider).add(encodeDecisionEvent(event));
    const jws = await sign(decider, 'permit', { ...permit, event: at.index });
    return { request, approvals, permit: verifyStatement(jws, 'permit'), event: { ...at, proof: null } };
  };

  const work: Scene['work'] = async ({ request, permit }) => {
    clock.advance(2);
    const use = await makeUse(owner, request, permit);
    const worker = Object.values(owner.workers).find((w) => w.did === request.statement.payload.aud)!;
    const ids = { request: request.statement.id, permit: permit.id, use: use.id };
    const intent = chainOf(worker).add(encodeWorkerEvent({ type: 'intent', owner: owner.id, ...ids }));
    const body = utf8('{"status":200}');
    const outcome = await sign(worker, 'outcome', {
      aud: owner.id,
      ...ids,
      result: 'done',
      code: 'worker.done',
      body: digestBody(body, random),
      event: intent.index,
      iat: clock.seconds(),
      nonce: toBase64url(random(16)),
    });
    const end = chainOf(worker).add(encodeWorkerEvent({ type: 'outcome', statement: outcome }));
    return {
      use: use.jws,
      outcome,
      body,
      worker: { intent: { ...intent, proof: null }, outcome: { ...end, proof: null } },
    };
  };

  return {
    owner,
    trustFile: () => buildTrustFile(owner.chain.wire(), clock.seconds()),
    decide,
    work,
    now: () => clock(),
    material: ({ request, approvals, permit, event }, uses = []) => ({
      chain: chain(),
      decided: {
        request: request.statement.jws,
        delegations: request.asker.delegations.map(({ jws }) => jws),
        approvals: approvals.map(({ jws }) => jws),
        policies: [{ policy: owner.view.policy!.id, text: policyText }],
        decisions: [{ permit: permit.jws, event }],
        outcomes: [],
      },
      body: request.body,
      uses,
      prove: (log, index) => (log === 'owners' ? owners : events).proof(index),
    }),
  };
}

/** A secret behind one approval, used once: everything that a capsule can hold. */
export async function fullStory(policyText?: string) {
  const set = await scene(policyText);
  const { owner } = set;
  const change = {
    class: 'secret',
    op: 'secret.use',
    resource: 'bank',
    grant: owner.grants.guarded,
    purpose: 'pay the rent',
  };
  const decided = await set.decide({ request: { change }, approvers: [(request) => makeApproval(owner, request)] });
  const used = await set.work(decided);
  return { set, decided, used };
}
