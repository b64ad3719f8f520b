import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBase64url } from '@caponier/crypto';
import {
  type DecisionEvent,
  decodeDecisionEvent,
  type Payload,
  permitWire,
  sign,
  type Verified,
  verifyStatement,
} from '@caponier/protocol';
import {
  makeOwner,
  makeRequest,
  type RequestOptions,
  seededRandom,
  type TestDevice,
  type TestOwner,
  type TestRequest,
  type TestSink,
  testSink,
  testViews,
} from '@caponier/testkit';
import type { DatedView, OwnerView, ServiceViews } from '@caponier/verify';
import { createGate, type Gate, type GateStore, openGateStore } from '../src/index.ts';

export interface TestGate {
  readonly owner: TestOwner;
  readonly sink: TestSink;
  readonly store: GateStore;
  readonly gate: Gate;
  /** What the views say besides: stale, in trouble. */
  dated: Partial<DatedView>;
  post(path: string, body: unknown): Promise<Answer>;
  get(path: string, device?: TestDevice, change?: Partial<Payload<'hello'>>): Promise<Answer>;
  submit(request: TestRequest, options?: SubmitOptions): Promise<Answer>;
  /** Submits, and expects a permit. */
  permit(request: TestRequest, options?: SubmitOptions): Promise<Verified<'permit'>>;
  /** Bodies of all events so far. */
  events(): Promise<DecisionEvent[]>;
  freeze(change?: Partial<Payload<'freeze'>>): Promise<Answer>;
  outcome(
    permit: Verified<'permit'>,
    change?: Partial<Payload<'outcome'>>,
    signer?: TestOwner['gate'],
  ): Promise<Answer>;
  /** Ends the process, so to speak, and starts it again over the same file. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export interface SubmitOptions {
  readonly approvals?: readonly Verified<'approval'>[];
  readonly key?: string;
  readonly change?: Partial<permitWire.PermitRequest>;
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every form
  readonly body: any;
}

let keys = 0;

/** A gate of one test owner, whose policy text it has. */
export async function makeGate(policyText?: string, seed = 'ada'): Promise<TestGate> {
  const owner = await makeOwner(seed, policyText === undefined ? {} : { policyText });
  const folder = mkdtempSync(join(tmpdir(), 'caponier-gate-'));
  const sink = testSink();
  const frozen: Verified<'freeze'>[] = [];
  const open = () => openGateStore(join(folder, 'gate.db'));
  const viewOf = (id: string): OwnerView =>
    frozen.reduce((view, freeze) => view.withFreeze(freeze), testViews([owner]).get(id).view);
  const views: ServiceViews = {
    get: (id) => ({ ...testViews([owner]).get(id), view: viewOf(id), ...self.dated }),
    resolve: async (id) => views.get(id),
    offer: async (statement) => {
      const freeze = verifyStatement(statement, 'freeze');
      viewOf(freeze.payload.aud).withFreeze(freeze);
      frozen.push(freeze);
    },
  };
  const start = (store: GateStore) =>
    createGate({
      store,
      clock: owner.clock,
      random: seededRandom(`gate ${seed} ${keys++}`),
      signer: owner.gate,
      views,
      sink,
      custody: 'same-user',
      tls: null,
      wait: () => new Promise((resolve) => setTimeout(resolve, 1).unref()),
    });
  let store = await open();
  let gate = start(store);

  const call = async (path: string, init: RequestInit): Promise<Answer> => {
    const response = await gate.app.request(path, init);
    return { status: response.status, body: await response.json() };
  };
  const lasting = (seconds: number) => ({
    iat: owner.clock.seconds(),
    exp: owner.clock.seconds() + seconds,
    nonce: toBase64url(owner.random(16)),
  });

  const self: TestGate = {
    owner,
    sink,
    get store() {
      return store;
    },
    get gate() {
      return gate;
    },
    dated: {},
    post: (path, body) =>
      call(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    async get(path, device = owner.laptop, change = {}) {
      const { challenge } = (await call('/challenge', {})).body;
      const hello = await sign(device.signer, 'hello', {
        aud: owner.gate.did,
        owner: owner.id,
        challenge,
        mode: 'shared',
        tls: null,
        ...lasting(30),
        ...change,
      });
      return call(path, { headers: { [permitWire.decisionHelloHeader]: hello } });
    },
    submit(request, { approvals = [], key = `key-${'0'.repeat(16)}${keys++}`, change = {} } = {}) {
      const statements = [request.statement, ...request.asker.delegations, ...approvals];
      return self.post('/permits', {
        bundle: statements.map(({ jws }) => jws),
        body: request.body && toBase64url(request.body),
        key,
        ...change,
      });
    },
    async permit(request, options) {
      const { status, body } = await self.submit(request, options);
      if (status !== 200) throw new Error(`no permit: ${body.code}`);
      return verifyStatement(body.permit, 'permit');
    },
    async events() {
      const stored = await store.log.read({ service: owner.gate.did, from: 0, limit: 1_024 });
      return stored.map(({ body }) => decodeDecisionEvent(body!));
    },
    async freeze(change = {}) {
      const { exp: _, ...timed } = lasting(1);
      const statement = await sign(owner.phone.signer, 'freeze', {
        aud: owner.id,
        what: 'all',
        target: null,
        ...timed,
        ...change,
      });
      return self.post('/removals', { statement, cosigns: [] });
    },
    async outcome(permit, change = {}, signer = owner.workers.secret) {
      const { exp: _, ...timed } = lasting(1);
      const { owner: aud, request } = permit.payload;
      const outcome = await sign(signer, 'outcome', {
        aud,
        request,
        permit: permit.id,
        use: permit.id,
        result: 'refused',
        code: 'vault.upstream_failed',
        body: null,
        event: 0,
        ...timed,
        ...change,
      });
      return self.post('/outcomes', { outcome });
    },
    async restart() {
      await gate.close();
      store = await open();
      gate = start(store);
    },
    async close() {
      await gate.close();
      rmSync(folder, { recursive: true });
    },
  };
  const { status } = await self.post('/policies', {
    owner: owner.id,
    policy: owner.view.policy!.id,
    text: owner.policyText,
  });
  if (status !== 200) throw new Error('the policy was not taken');
  return self;
}

/** An agent asks to use the secret `github`; `change` overrides members of the request. */
export function secretRequest(owner: TestOwner, options: RequestOptions = {}): Promise<TestRequest> {
  return makeRequest(owner, {
    ...options,
    change: { grant: owner.grants.secret, class: 'secret', op: 'secret.use', resource: 'github', ...options.change },
  });
}
