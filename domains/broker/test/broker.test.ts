import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toBase64url } from '@caponier/crypto';
import {
  type DecisionEvent,
  decodeDecisionEvent,
  limits,
  permitWire,
  sign,
  type Verified,
  verifyStatement,
} from '@caponier/protocol';
import {
  asDevice,
  makeApproval,
  makeOwner,
  makeRequest,
  type RequestOptions,
  seededRandom,
  type TestOwner,
  type TestRequest,
  type TestSink,
  testGrant,
  testSink,
  testViews,
} from '@caponier/testkit';
import type { DatedView } from '@caponier/verify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Broker, type BrokerStore, createBroker, openBrokerStore } from '../src/index.ts';

describe('broker', () => {
  let owner: TestOwner;
  let folder: string;
  let sink: TestSink;
  let store: BrokerStore;
  let broker: Broker;
  let dated: Partial<DatedView>;
  let keys = 0;

  async function start(): Promise<void> {
    store = await openBrokerStore(join(folder, 'broker.db'));
    const views = testViews([owner], () => dated);
    broker = createBroker({
      store,
      clock: owner.clock,
      random: seededRandom(`broker ${keys++}`),
      signer: owner.broker,
      views: { ...views, resolve: async (id) => views.get(id), offer: async () => {} },
      sink,
      custody: 'other-user',
      tls: null,
      wait: () => new Promise((resolve) => setTimeout(resolve, 1).unref()),
    });
  }
  beforeEach(async () => {
    owner = await makeOwner();
    folder = mkdtempSync(join(tmpdir(), 'caponier-broker-'));
    sink = testSink();
    dated = {};
    await start();
  });
  afterEach(async () => {
    await broker.close();
    rmSync(folder, { recursive: true });
  });

  const ask = (options: RequestOptions = {}) => makeRequest(owner, options);

  async function submit(request: TestRequest, options: { key?: string; approvals?: Verified<'approval'>[] } = {}) {
    const { key = `key-${'0'.repeat(16)}${keys++}`, approvals = [] } = options;
    const bundle = [request.statement, ...request.asker.delegations, ...approvals].map(({ jws }) => jws);
    const body = JSON.stringify({ bundle, body: null, key });
    const response = await broker.app.request('/permits', { method: 'POST', body });
    return { status: response.status, body: await response.json() };
  }
  async function permit(request: TestRequest, options: Parameters<typeof submit>[1] = {}) {
    const { body } = await submit(request, options);
    return verifyStatement(body.permit ?? body.code, 'permit');
  }
  const refusal = async (request: TestRequest) => (await submit(request)).body.code;
  const events = async (): Promise<DecisionEvent[]> =>
    (await store.log.read({ service: owner.broker.did, from: 0, limit: 100 })).map(({ body }) =>
      decodeDecisionEvent(body!),
    );

  it('permits what a standing grant covers, with as many uses as were asked for', async () => {
    const request = await ask({ change: { uses: 7 } });
    const { kid, payload } = await permit(request);
    expect(kid).toBe(owner.broker.did);
    expect(payload).toMatchObject({
      aud: owner.workers.memory.did,
      request: request.statement.id,
      decision: 'allow',
      uses: 7,
      code: 'grant.covered',
      rule: '',
      grant: owner.grants.memory,
      policy: null,
      budget: null,
      event: 0,
      custody: 'other-user',
      exp: owner.clock.seconds() + limits.permitSeconds.default,
    });
    await broker.drained();
    expect(sink.leaves).toHaveLength(1);
  });

  it('never gives more uses than the smallest ceiling', async () => {
    expect((await permit(await ask({ change: { uses: 500 } }))).payload.uses).toBe(100);
    const grant = async (ceilings: { per: 'hour' | 'day'; uses: number }[]) =>
      (await owner.chain.add('grant', testGrant({ decides: 'broker', ceilings }))).statement.id;
    const two = await grant([
      { per: 'hour', uses: 3 },
      { per: 'day', uses: 9 },
    ]);
    expect((await permit(await ask({ change: { uses: 500, grant: two } }))).payload.uses).toBe(3);
    const none = await grant([{ per: 'hour', uses: 0 }]);
    expect((await permit(await ask({ change: { grant: none } }))).payload).toMatchObject({
      decision: 'deny',
      code: 'grant.ceiling_reached',
      uses: 0,
    });
  });

  it('permits a device that asks for its person', async () => {
    const request = await ask({ asker: asDevice(owner.laptop), change: { grant: owner.grants.device } });
    expect((await permit(request)).payload.decision).toBe('allow');
  });

  it('asks where the grant wants approvals, and takes them', async () => {
    const { statement } = await owner.chain.add(
      'grant',
      testGrant({ decides: 'broker', approvals: { k: 1, from: [] } }),
    );
    const request = await ask({ change: { grant: statement.id } });
    expect((await permit(request)).payload).toMatchObject({ decision: 'ask', code: 'gate.ask', uses: 0 });
    const approval = await makeApproval(owner, request);
    expect((await permit(request, { approvals: [approval] })).payload).toMatchObject({
      decision: 'allow',
      approvals: [approval.id],
    });
    const other = await ask({ change: { grant: statement.id } });
    const no = await makeApproval(owner, other, { change: { decision: 'deny' } });
    expect((await permit(other, { approvals: [no] })).payload).toMatchObject({
      decision: 'deny',
      code: 'approval.denied',
    });
  });

  it.each<[string, () => Promise<string>]>([
    [
      'broker.not_standing',
      async () =>
        refusal(
          await ask({ change: { grant: owner.grants.secret, class: 'secret', op: 'secret.use', resource: 'github' } }),
        ),
    ],
    ['grant.not_covered', async () => refusal(await ask({ change: { grant: owner.grants.device } }))],
    ['request.wrong_audience', async () => refusal(await ask({ change: { aud: owner.workers.secret.did } }))],
    [
      'request.expired',
      async () => {
        const request = await ask();
        owner.clock.advance(300 + limits.clockSkewSeconds + 1);
        return refusal(request);
      },
    ],
    [
      'request.replayed',
      async () => {
        const request = await ask();
        await permit(request);
        return refusal(request);
      },
    ],
    [
      'gate.idempotency_conflict',
      async () => {
        await submit(await ask(), { key: 'k'.repeat(16) });
        return (await submit(await ask(), { key: 'k'.repeat(16) })).body.code;
      },
    ],
    [
      'owner.revoked',
      async () => {
        const request = await ask();
        await owner.chain.add('revoke', { what: 'grant', target: owner.grants.memory });
        return refusal(request);
      },
    ],
    [
      'owner.stale_view',
      async () => {
        dated = { asOf: owner.clock.seconds() - limits.maxRegistryAgeSeconds - 1 };
        return refusal(await ask());
      },
    ],
  ])('refuses %s, with an event', async (code, attempt) => {
    expect(await attempt()).toBe(code);
    expect((await events()).at(-1)).toMatchObject({ type: 'refusal', owner: owner.id, code });
  });

  it('moves no money: that needs a policy with a budget', async () => {
    expect(await refusal(await ask({ change: { amount: { units: 1, currency: 'EUR' } } }))).toBe('grant.not_covered');
  });

  it('counts what cannot be ascribed to anybody', async () => {
    expect(await refusal(await ask({ signer: owner.box.signer }))).toBe('request.bad_signer');
    await expect.poll(events).toContainEqual(expect.objectContaining({ type: 'refusals' }));
  });

  it('gives the same permit again after a restart', async () => {
    const request = await ask();
    const key = 'k'.repeat(16);
    const before = await permit(request, { key });
    await broker.close();
    await start();
    expect((await permit(request, { key })).jws).toBe(before.jws);
    expect(await events()).toHaveLength(1);
  });

  it('shows material of a request to its owner', async () => {
    const request = await ask();
    const given = await permit(request);
    await broker.drained();
    const { challenge } = await (await broker.app.request('/challenge')).json();
    const now = owner.clock.seconds();
    const hello = await sign(owner.laptop.signer, 'hello', {
      aud: owner.broker.did,
      owner: owner.id,
      challenge,
      mode: 'shared',
      tls: null,
      iat: now,
      exp: now + 30,
      nonce: toBase64url(owner.random(16)),
    });
    const path = `/material?request=${request.statement.id}`;
    const answer = await broker.app.request(path, { headers: { [permitWire.decisionHelloHeader]: hello } });
    const material = permitWire.MaterialAnswer.parse(await answer.json());
    expect(material).toMatchObject({ request: request.statement.jws, policies: [], outcomes: [] });
    expect(material.decisions.map(({ permit: jws }) => jws)).toEqual([given.jws]);
    expect((await broker.app.request(path)).status).toBe(401);
  });
});
