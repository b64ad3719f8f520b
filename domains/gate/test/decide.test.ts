import { personalPolicy } from '@caponier/policy';
import { limits, permitWire } from '@caponier/protocol';
import { approvalFor, asDevice, makeAgent, makeApproval, makeOwner, testGrant } from '@caponier/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeGate, secretRequest, type TestGate } from './harness.ts';

describe('gate', () => {
  let t: TestGate;
  beforeEach(async () => {
    t = await makeGate();
  });
  afterEach(() => t.close());

  it('permits what grant and policy allow: once, for this request, with its event', async () => {
    const request = await secretRequest(t.owner, { change: { uses: 9 } });
    const permit = await t.permit(request);
    expect(permit.kid).toBe(t.owner.gate.did);
    expect(permit.payload).toMatchObject({
      aud: t.owner.workers.secret.did,
      owner: t.owner.id,
      request: request.statement.id,
      approvals: [],
      decision: 'allow',
      uses: 1,
      code: 'policy.allowed',
      rule: 'all',
      grant: t.owner.grants.secret,
      policy: t.owner.view.policy!.id,
      budget: null,
      event: 0,
      custody: 'same-user',
      iat: t.owner.clock.seconds(),
      exp: t.owner.clock.seconds() + limits.permitSeconds.default,
    });
    const { event, ...members } = permit.payload;
    const [decision] = await t.events();
    expect(decision).toMatchObject({
      type: 'decision',
      delegations: request.statement.payload.delegations,
      permit: members,
    });
  });

  it('permits a device that asks for its person', async () => {
    const { statement } = await t.owner.chain.add(
      'grant',
      testGrant({ to: { owner: null, agents: [], devices: ['*'] }, class: 'secret', ops: ['secret.use'] }),
    );
    const asker = asDevice(t.owner.laptop);
    const permit = await t.permit(await secretRequest(t.owner, { asker, change: { grant: statement.id } }));
    expect(permit.payload.decision).toBe('allow');
  });

  it('denies in a permit what no rule allows', async () => {
    await t.close();
    t = await makeGate('@code("trip.closed") @id("closed") forbid (principal, action, resource);');
    const permit = await t.permit(await secretRequest(t.owner));
    expect(permit.payload).toMatchObject({ decision: 'deny', code: 'trip.closed', rule: 'closed', uses: 0 });
  });

  describe('refuses, each with its code and an event', () => {
    const refusal = async (answer: Promise<{ status: number; body: { code: string } }>) => (await answer).body.code;

    it.each<[string, (t: TestGate) => Promise<string>]>([
      [
        'request.bad_signer',
        async (t) => refusal(t.submit(await secretRequest(t.owner, { signer: t.owner.box.signer }))),
      ],
      [
        'request.bad_delegation',
        async (t) => {
          const request = await secretRequest(t.owner);
          return refusal(t.submit({ ...request, asker: { ...request.asker, delegations: [] } }));
        },
      ],
      [
        'grant.not_found',
        async (t) => refusal(t.submit(await secretRequest(t.owner, { change: { grant: t.owner.id } }))),
      ],
      [
        'owner.unknown',
        async (t) => refusal(t.submit(await secretRequest(t.owner, { change: { owner: t.owner.grants.secret } }))),
      ],
      [
        'owner.not_enrolled',
        async (t) => {
          const stranger = await makeOwner('eve');
          return refusal(t.submit(await secretRequest(t.owner, { asker: asDevice(stranger.laptop) })));
        },
      ],
      [
        'statement.wrong_kind',
        async (t) =>
          refusal(
            t.submit(await secretRequest(t.owner), { change: { bundle: [t.owner.chain.signed[0]!.statement.jws] } }),
          ),
      ],
      [
        'statement.bad_signature',
        async (t) => {
          const { jws } = (await secretRequest(t.owner)).statement;
          const forged = `${jws.slice(0, jws.lastIndexOf('.'))}.${'A'.repeat(86)}`;
          return refusal(t.post('/permits', { bundle: [forged], body: null, key: 'k'.repeat(16) }));
        },
      ],
      ['host.bad_body', async (t) => refusal(t.submit(await secretRequest(t.owner), { key: 'short' }))],
    ])('%s before anybody is known: counted', async (code, attempt) => {
      expect(await attempt(t)).toBe(code);
      expect(await attempt(t)).toBe(code);
      await expect
        .poll(() => t.events())
        .toContainEqual(expect.objectContaining({ type: 'refusals', counts: [{ code, count: expect.any(Number) }] }));
      const counted = (await t.events()).flatMap((event) => (event.type === 'refusals' ? event.counts : []));
      expect(counted.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    });

    it.each<[string, (t: TestGate) => Promise<string>]>([
      [
        'gate.idempotency_conflict',
        async (t) => {
          await t.permit(await secretRequest(t.owner), { key: 'k'.repeat(16) });
          return refusal(t.submit(await secretRequest(t.owner), { key: 'k'.repeat(16) }));
        },
      ],
      [
        'request.expired',
        async (t) => {
          const request = await secretRequest(t.owner);
          t.owner.clock.advance(300 + limits.clockSkewSeconds + 1);
          return refusal(t.submit(request));
        },
      ],
      [
        'request.delegation_expired',
        async (t) => {
          const asker = await makeAgent(t.owner, { seconds: 10 });
          const request = await secretRequest(t.owner, { asker });
          t.owner.clock.advance(10 + limits.clockSkewSeconds + 1);
          return refusal(t.submit(request));
        },
      ],
      [
        'request.replayed',
        async (t) => {
          const request = await secretRequest(t.owner);
          await t.permit(request);
          return refusal(t.submit(request));
        },
      ],
      [
        'owner.stale_view',
        async (t) => {
          t.dated = { asOf: t.owner.clock.seconds() - limits.maxRegistryAgeSeconds - 1 };
          return refusal(t.submit(await secretRequest(t.owner)));
        },
      ],
      [
        'log.forked',
        async (t) => {
          t.dated = { trouble: 'log.forked' };
          return refusal(t.submit(await secretRequest(t.owner)));
        },
      ],
      [
        'owner.revoked',
        async (t) => {
          const request = await secretRequest(t.owner);
          await t.owner.chain.add('revoke', { what: 'device', target: t.owner.box.did });
          return refusal(t.submit(request));
        },
      ],
      [
        'owner.frozen',
        async (t) => {
          const request = await secretRequest(t.owner);
          expect((await t.freeze({ what: 'agent', target: 'claude@box' })).status).toBe(200);
          return refusal(t.submit(request));
        },
      ],
      [
        'grant.not_covered',
        async (t) => refusal(t.submit(await secretRequest(t.owner, { change: { resource: 'gitlab' } }))),
      ],
      [
        'request.wrong_audience',
        async (t) => refusal(t.submit(await secretRequest(t.owner, { change: { aud: t.owner.workers.memory.did } }))),
      ],
      [
        'permit.request_mismatch',
        async (t) => refusal(t.submit(await secretRequest(t.owner), { change: { body: null } })),
      ],
      [
        'gate.no_policy',
        async (t) => {
          await t.owner.chain.add('policy', { name: 'next', body: { salt: 'A'.repeat(22), digest: t.owner.id } });
          return refusal(t.submit(await secretRequest(t.owner)));
        },
      ],
      [
        'approval.invalid',
        async (t) => {
          const request = await secretRequest(t.owner);
          const approval = await makeApproval(t.owner, await secretRequest(t.owner));
          return refusal(t.submit(request, { approvals: [approval] }));
        },
      ],
    ])('%s of somebody known: by itself', async (code, attempt) => {
      expect(await attempt(t)).toBe(code);
      const last = (await t.events()).at(-1);
      expect(last).toMatchObject({ type: 'refusal', owner: t.owner.id, code });
      await t.gate.drained();
      expect(t.sink.leaves).toHaveLength((await t.events()).length);
    });

    it('a grant that the broker decides', async () => {
      const request = await secretRequest(t.owner, {
        change: {
          grant: t.owner.grants.memory,
          class: 'memory',
          op: 'memory.get',
          resource: 'notes',
          aud: t.owner.workers.memory.did,
        },
      });
      expect(await refusal(t.submit(request))).toBe('grant.not_covered');
    });

    it('an owner who trusts another gate', async () => {
      const { signer } = t.owner.laptop;
      const trust = t.owner.view.trust!;
      const { id: _i, seq: _s, ...members } = trust;
      await t.owner.chain.add('trust', { ...structuredClone(members), gate: [signer.did] } as never);
      expect(await refusal(t.submit(await secretRequest(t.owner)))).toBe('permit.bad_issuer');
    });
  });

  it('asks, and allows the same request with an approval, under the same key or a new one', async () => {
    await t.close();
    t = await makeGate(personalPolicy);
    const request = await secretRequest(t.owner);
    const key = 'k'.repeat(16);
    const ask = await t.permit(request, { key });
    expect(ask.payload).toMatchObject({ decision: 'ask', code: 'gate.ask', rule: 'secrets-ask', uses: 0 });
    expect(ask.payload.exp).toBe(request.statement.payload.exp);
    expect((await t.permit(request, { key })).id).toBe(ask.id);
    const approval = await makeApproval(t.owner, request);
    const allow = await t.permit(request, { key, approvals: [approval] });
    expect(allow.payload).toMatchObject({
      decision: 'allow',
      uses: 1,
      approvals: [approval.id],
      rule: 'secrets-ask',
      event: 1,
    });
    expect((await t.submit(request, { approvals: [approval] })).body.code).toBe('request.replayed');
  });

  it('takes an approval by passkey, and hears a no', async () => {
    await t.close();
    t = await makeGate(personalPolicy);
    const [one, two] = [await secretRequest(t.owner), await secretRequest(t.owner)];
    const yes = t.owner.passkey.approve(approvalFor(t.owner, one));
    expect((await t.permit(one, { approvals: [yes] })).payload.decision).toBe('allow');
    const no = await makeApproval(t.owner, two, { change: { decision: 'deny' } });
    const yesToo = t.owner.passkey.approve(approvalFor(t.owner, two));
    expect((await t.permit(two, { approvals: [no, yesToo] })).payload).toMatchObject({
      decision: 'deny',
      code: 'approval.denied',
    });
  });

  it('counts one approver once, and asks until the grant has its approvals too', async () => {
    const { statement } = await t.owner.chain.add(
      'grant',
      testGrant({ class: 'secret', ops: ['secret.use'], approvals: { k: 2, from: [] } }),
    );
    const request = await secretRequest(t.owner, { change: { grant: statement.id } });
    const first = await makeApproval(t.owner, request);
    const again = await makeApproval(t.owner, request, { change: { iat: t.owner.clock.seconds() - 1 } });
    expect((await t.permit(request)).payload).toMatchObject({ decision: 'ask', code: 'gate.ask' });
    expect((await t.permit(request, { approvals: [first, again] })).payload.decision).toBe('ask');
    const second = t.owner.passkey.approve(approvalFor(t.owner, request));
    const permit = await t.permit(request, { approvals: [first, again, second] });
    expect(permit.payload.decision).toBe('allow');
    expect(permit.payload.approvals).toHaveLength(2);
  });

  it('takes only the text whose digest the chain carries', async () => {
    const policy = t.owner.view.policy!.id;
    for (const change of [{ text: `${t.owner.policyText} ` }, { policy: t.owner.id }]) {
      const answer = await t.post('/policies', { owner: t.owner.id, policy, text: t.owner.policyText, ...change });
      expect(answer.body.code).toBe('gate.other_policy');
    }
  });

  it('makes no decision while the log does not hear of the last', async () => {
    await t.permit(await secretRequest(t.owner));
    await t.gate.drained();
    t.sink.cut = true;
    await t.permit(await secretRequest(t.owner));
    t.owner.clock.advance(6);
    expect((await t.submit(await secretRequest(t.owner))).body.code).toBe('gate.unwitnessed');
    t.sink.cut = false;
    await t.gate.drained();
    expect((await t.permit(await secretRequest(t.owner))).payload.decision).toBe('allow');
  });

  it('bounds how often one agent may ask, and no other', async () => {
    const request = await secretRequest(t.owner);
    const key = 'k'.repeat(16);
    const answers = await Promise.all(Array.from({ length: 150 }, () => t.submit(request, { key })));
    expect(
      answers.filter(({ body }) => body.code === 'host.rate_limited' || body.code === 'gate.busy').length,
    ).toBeGreaterThanOrEqual(30);
    const asker = await makeAgent(t.owner, { name: 'other' });
    expect((await t.submit(await secretRequest(t.owner, { asker }))).status).toBe(200);
    t.owner.clock.advance(60);
    expect((await t.submit(request, { key })).status).toBe(200);
  });

  it('refuses what is too large before it is read', async () => {
    const answer = await t.post('/permits', { bundle: ['x'.repeat(permitWire.maxPermitRequestBytes)] });
    expect(answer).toMatchObject({ status: 413, body: { code: 'host.body_too_large' } });
  });

  it('is safe from one request by many keys at once: one decision', async () => {
    const request = await secretRequest(t.owner);
    const answers = await Promise.all(Array.from({ length: 10 }, () => t.submit(request)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => body.code))).toEqual(new Set([undefined, 'request.replayed']));
    expect((await t.events()).filter(({ type }) => type === 'decision')).toHaveLength(1);
  });
});
