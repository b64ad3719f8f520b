import { toBase64url } from '@caponier/crypto';
import { fail, type Payload, type Signer, sign } from '@caponier/protocol';
import { makeOwner, type TestOwner, testGrant, testSigner } from '@caponier/testkit';
import { beforeAll, describe, expect, test } from 'vitest';
import { openServices, servicesOf } from '../src/directory/directory.ts';
import { type Service, signNeed, starterGrant, type Transport } from '../src/index.ts';
import { publish } from '../src/owner/publish.ts';
import { chooseGrant } from '../src/permits/grant.ts';

let owner: TestOwner;
beforeAll(async () => {
  owner = await makeOwner();
});

type Listed = Payload<'service'>['services'][number];
const at = (role: Listed['role'], key: Signer, url: string, of: string | null = null): Listed => ({
  role,
  class: of,
  key: key.did,
  url,
  pin: null,
  custody: 'same-user',
});
const said = (signer: Signer, services: Listed[], iat = owner.clock.seconds()) =>
  sign(signer, 'service', { aud: 'any', services, iat, nonce: toBase64url(owner.random(16)) });

describe('where the services are', () => {
  test('an operator of the owner says so; the newest statement counts', async () => {
    const old = await said(owner.operator, [at('gate', owner.gate, 'https://old.example')], 100);
    const now = await said(owner.operator, [at('gate', owner.gate, 'https://new.example/')]);
    for (const order of [
      [old, now],
      [now, old],
    ])
      expect(servicesOf(owner.view, openServices(order)).map(({ url }) => url)).toEqual(['https://new.example']);
  });

  test('somebody else’s word leads nowhere, nor does an operator’s about a key that the trust does not name', async () => {
    const byEve = await said(testSigner('eve'), [at('gate', owner.gate, 'https://eve.example')]);
    const services = [
      at('gate', testSigner('eve'), 'https://gate.example'),
      at('worker', owner.workers.secret, 'https://memory.example', 'memory'),
      at('worker', owner.workers.secret, 'https://vault.example', 'secret'),
      at('relay', owner.broker, 'https://relay.example'),
    ];
    const byOperator = await said(owner.operator, services);
    const found = servicesOf(owner.view, openServices([byEve, byOperator]));
    expect(found.map(({ url }) => url)).toEqual(['https://vault.example']);
  });
});

describe('the owner’s hand', () => {
  const need = (drafts: Parameters<typeof signNeed>[0]['drafts']) => ({
    owner: owner.id,
    chain: owner.chain.wire(),
    drafts,
    tickets: [{ aud: owner.relay.did, uses: 1, lives: 60 }],
  });

  test('signs what follows the chain that it replays', async () => {
    const { statements, tickets } = await signNeed(
      need([
        { kind: 'grant', members: starterGrant },
        { kind: 'revoke', members: { what: 'device', target: owner.box.did } },
      ]),
      { ...owner.pen, signer: owner.root },
    );
    expect([statements.length, tickets.length]).toEqual([2, 1]);
  });

  test('signs nothing for another owner, nor with a key that is no root', async () => {
    const other = await makeOwner('bob');
    const mixed = { ...need([{ kind: 'grant' as const, members: starterGrant }]), owner: other.id };
    await expect(signNeed(mixed, owner.pen)).rejects.toMatchObject({ code: 'owner.conflict' });
    const eve = { ...owner.pen, signer: testSigner('eve') };
    await expect(signNeed(need([{ kind: 'grant', members: starterGrant }]), eve)).rejects.toMatchObject({
      code: 'owner.not_authorised',
    });
  });
});

describe('a removal', () => {
  test('goes to every service at once, and says who did not answer', async () => {
    const services: Service[] = [
      at('registry', owner.registry, 'https://registry.example'),
      at('gate', owner.gate, 'https://gate.example'),
      at('worker', owner.workers.secret, 'https://vault.example', 'secret'),
      at('relay', owner.relay, 'https://relay.example'),
      at('witness', testSigner('witness'), 'https://witness.example'),
    ];
    const asked: string[] = [];
    const transport = {
      fetch: async (url: string) => {
        asked.push(url);
        if (url.startsWith('https://gate')) throw fail('host.unreachable');
        const id = 'A'.repeat(43);
        const answer = url.endsWith('/freeze') ? { id, followers: 3 } : { id };
        return { status: 200, json: async () => answer };
      },
    } as unknown as Transport;
    const freeze = await sign(owner.phone.signer, 'freeze', {
      aud: owner.id,
      what: 'all',
      target: null,
      iat: owner.clock.seconds(),
      nonce: toBase64url(owner.random(16)),
    });
    const wait = (_ms: number, signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    const obeyed: string[] = [];
    const report = await publish(
      {
        transport,
        wait,
        clock: owner.clock,
        services,
        obey: async ({ statement }) => void obeyed.push(statement),
      },
      [{ statement: freeze, cosigns: [] }],
    );
    expect(obeyed).toEqual([freeze]);
    expect(asked.sort()).toEqual([
      'https://gate.example/removals',
      'https://registry.example/freeze',
      'https://vault.example/removals',
    ]);
    expect([...report.missing].sort()).toEqual(['gate', 'relay']);
    expect(report.pushes.find(({ role }) => role === 'relay')).toMatchObject({ ms: null, code: 'relay.disconnected' });
    expect(report.pushes.find(({ role }) => role === 'worker')).toMatchObject({ ms: 0, code: null });
  });
});

describe('the grant to ask under', () => {
  const wanted = {
    device: '',
    agent: 'claude@box',
    class: 'secret',
    op: 'secret.use',
    resource: 'github',
    purpose: '',
  };

  test('covers what is wanted; one that needs no approval goes first', async () => {
    const mine = await makeOwner('choosing');
    expect(chooseGrant(mine.view, wanted, mine.clock()).id).toBe(mine.grants.secret);
    expect(chooseGrant(mine.view, { ...wanted, resource: 'bank' }, mine.clock()).id).toBe(mine.grants.guarded);
    const free = await mine.chain.add(
      'grant',
      testGrant({ class: 'secret', ops: ['secret.use'], resources: ['ba*'], purpose: 'pay' }),
    );
    expect(chooseGrant(mine.view, { ...wanted, resource: 'bank' }, mine.clock()).id).toBe(mine.grants.guarded);
    const pay = { ...wanted, resource: 'bank', purpose: 'pay: rent' };
    expect(chooseGrant(mine.view, pay, mine.clock()).id).toBe(free.statement.id);
  });

  test.each([
    { agent: null, device: 'did:key:zX' },
    { op: 'secret.steal' },
    { resource: 'gitlab' },
    { class: 'memory' },
  ])('is none for %j', (change) => {
    expect(() => chooseGrant(owner.view, { ...wanted, ...change }, owner.clock())).toThrow(
      expect.objectContaining({ code: 'grant.not_covered' }),
    );
  });
});
