import { crypto, fromBase64url, toBase64url } from '@caponier/crypto';
import { compilePolicy, evaluate, parseFacts, personalPolicy } from '@caponier/policy';
import { decodeDecisionEvent, eventHash, firstPrev, permitWire, verifyStatement } from '@caponier/protocol';
import { makeApproval, makeOwner } from '@caponier/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeGate, secretRequest, type TestGate } from './harness.ts';

describe('record of the gate', () => {
  let t: TestGate;
  beforeEach(async () => {
    t = await makeGate(personalPolicy);
  });
  afterEach(() => t.close());

  it('gives the same permit, byte for byte, after a crash between event and answer', async () => {
    const request = await secretRequest(t.owner);
    const key = 'k'.repeat(16);
    // The answer is thrown away, as a process that dies after the commit would; nothing else of it is kept.
    const lost = await t.permit(request, { key });
    await t.restart();
    t.owner.clock.advance(30);
    expect((await t.permit(request, { key })).jws).toBe(lost.jws);
    expect(await t.events()).toHaveLength(1);
  });

  it('leaves no key stuck when the process dies before the commit', async () => {
    const request = await secretRequest(t.owner);
    const key = 'k'.repeat(16);
    await t.store.close();
    expect((await t.submit(request, { key })).body.code).toBe('store.unavailable');
    await t.restart();
    expect((await t.permit(request, { key })).payload.event).toBe(0);
  });

  it('is one chain, every hash in the log, in order', async () => {
    for (let i = 0; i < 3; i++) await t.permit(await secretRequest(t.owner));
    await t.submit(await secretRequest(t.owner, { change: { resource: 'nope' } }));
    await t.gate.drained();
    const events = await t.store.log.read({ service: t.owner.gate.did, from: 0, limit: 10 });
    let prev = firstPrev(t.owner.gate.did);
    for (const { index, salt, body, hash, leaf } of events) {
      expect(hash).toEqual(eventHash(index, prev, crypto.sha256(salt!, body!)));
      expect(t.sink.leaves[leaf!]).toBe(toBase64url(hash));
      expect(leaf).toBe(index);
      prev = hash;
    }
    expect(events).toHaveLength(4);
  });

  it('goes on publishing after a restart what the log had not heard of', async () => {
    t.sink.cut = true;
    await t.permit(await secretRequest(t.owner));
    await t.restart();
    expect(t.sink.leaves).toHaveLength(0);
    t.sink.cut = false;
    await t.gate.drained();
    expect(t.sink.leaves).toHaveLength(1);
  });

  it('shows a request with all that a capsule needs, and a stranger evaluates it again', async () => {
    const request = await secretRequest(t.owner, {
      body: new TextEncoder().encode('{"method":"GET","url":"https://api.github.com/user"}'),
    });
    const ask = await t.permit(request);
    const approval = await makeApproval(t.owner, request);
    const allow = await t.permit(request, { approvals: [approval] });
    await t.outcome(allow, { result: 'done', code: 'worker.done' });
    await t.gate.drained();
    const { status, body } = await t.get(`/material?request=${request.statement.id}`);
    expect(status).toBe(200);
    const material = permitWire.MaterialAnswer.parse(body);
    expect(material.request).toBe(request.statement.jws);
    expect(material.delegations).toEqual(request.asker.delegations.map(({ jws }) => jws));
    expect(material.approvals).toEqual([approval.jws]);
    expect(material.decisions.map(({ permit }) => permit)).toEqual([ask.jws, allow.jws]);
    expect(material.outcomes).toHaveLength(1);
    expect(material.policies).toEqual([{ policy: t.owner.view.policy!.id, text: personalPolicy }]);
    for (const { permit, event } of material.decisions) {
      const { salt, body, digest, prev, hash, index, proof, leaf } = event;
      expect(toBase64url(crypto.sha256(fromBase64url(salt!), fromBase64url(body!)))).toBe(digest);
      expect(toBase64url(eventHash(index, fromBase64url(prev), fromBase64url(digest)))).toBe(hash);
      expect(proof).toBe(`proof of ${leaf}\n`);
      const told = decodeDecisionEvent(fromBase64url(body!));
      if (told.type !== 'decision') throw new Error(told.type);
      const { payload } = verifyStatement(permit, 'permit');
      expect({ ...told.permit, event: index }).toEqual(payload);
      const facts = parseFacts(told.facts!);
      expect(facts.call).toEqual({ method: 'GET', host: 'api.github.com', payee: null });
      const { decision, code, rule } = evaluate(compilePolicy(material.policies[0]!.text), facts);
      expect({ decision, code, rule }).toEqual({ decision: payload.decision, code: payload.code, rule: payload.rule });
    }
  });

  it('shows events and material to devices of the owner they concern, and to nobody else', async () => {
    const request = await secretRequest(t.owner);
    await t.permit(request);
    await t.gate.drained();
    const event = await t.get('/events/0', t.owner.box);
    expect(permitWire.EventAnswer.parse(event.body)).toMatchObject({ index: 0, leaf: 0, proof: 'proof of 0\n' });
    const stranger = (await makeOwner('eve')).laptop;
    const paths = ['/events/0', `/material?request=${request.statement.id}`];
    for (const path of paths) {
      expect((await t.get(path, stranger)).body.code).toBe('owner.not_enrolled');
      expect((await t.get(path, stranger, { owner: null })).body.code).toBe('gate.bad_hello');
      expect((await t.get(path, t.owner.box, { aud: t.owner.broker.did })).body.code).toBe('gate.bad_hello');
      expect((await t.get(path, t.owner.box, { challenge: t.owner.id })).body.code).toBe('gate.bad_hello');
      expect((await (await t.gate.app.request(path)).json()).code).toBe('gate.bad_hello');
    }
    expect((await t.get('/events/7')).body.code).toBe('host.not_found');
    expect((await t.get(`/material?request=${t.owner.id}`)).body.code).toBe('host.not_found');
    await t.freeze({ what: 'device', target: t.owner.box.did });
    expect((await t.get('/events/0', t.owner.box)).body.code).toBe('owner.frozen');
  });

  it('takes each challenge once, and not after its time', async () => {
    await t.permit(await secretRequest(t.owner));
    const { challenge } = await (await t.gate.app.request('/challenge')).json();
    expect((await t.get('/events/0', t.owner.box, { challenge })).status).toBe(200);
    expect((await t.get('/events/0', t.owner.box, { challenge })).body.code).toBe('gate.bad_hello');
    const late = (await (await t.gate.app.request('/challenge')).json()).challenge;
    t.owner.clock.advance(61);
    expect((await t.get('/events/0', t.owner.box, { challenge: late })).body.code).toBe('gate.bad_hello');
  });
});
