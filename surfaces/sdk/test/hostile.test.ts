import { crypto, Secret, toBase64url, utf8 } from '@caponier/crypto';
import { digestBody, idOf, sign } from '@caponier/protocol';
import { encodeCode, meetingName, parseCode } from '@caponier/session';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Device, deviceKeysOf, joinByCode } from '../src/index.ts';
import type { DeviceMail } from '../src/mail/mailbox.ts';
import type { MailContent } from '../src/mail/types.ts';
import { joinWith } from './joining.ts';
import { type Home, makeWorld, newHome, newSigner, random, type World } from './world.ts';

/** What somebody in the middle, or one of one's own devices gone bad, tries. */

let world: World;
let box: Device;
let phone: Device;
let boxHome: Home;

beforeAll(async () => {
  world = await makeWorld();
  boxHome = newHome();
  const phoneHome = newHome();
  box = await world.open(boxHome, (await joinWith(world, boxHome, { kind: 'member', device: 'box' })).result.start!);
  phone = await world.open(
    phoneHome,
    (await joinWith(world, phoneHome, { kind: 'approver', device: 'phone' })).result.start!,
  );
  await Promise.all([box.ready(), phone.ready()]);
});
afterAll(() => world.close());

type AskContent = Extract<MailContent, { type: 'ask' }>;
const mailOf = (device: Device) => device.mail as DeviceMail;
const ask = (content: AskContent) => mailOf(box).sendContent(world.start.owner, [phone.did], content);
const troubled = (what: string) => expect.poll(() => world.troubles).toContain(what);

/** A request of the box's own person, as its key can sign it at any time, and an `ask` by whoever is given. */
async function forgeAsk(gate = newSigner(), change: { readonly device?: string } = {}): Promise<AskContent> {
  const { signer } = deviceKeysOf(boxHome.seed, boxHome.boxSeed);
  const view = box.views.get().view;
  const grant = view.grants().find(({ class: of }) => of === 'secret')!;
  const iat = Math.floor(Date.now() / 1000);
  const times = () => ({ iat, exp: iat + 600, nonce: toBase64url(random(16)) });
  const body = utf8('{}');
  const request = await sign(signer, 'request', {
    aud: box.service('worker', 'secret').key,
    owner: view.id,
    device: (change.device ?? signer.did) as typeof signer.did,
    agent: null,
    delegations: [],
    grant: grant.id,
    class: 'secret',
    op: 'secret.use',
    resource: 'github',
    purpose: 'harmless',
    amount: null,
    uses: 1,
    body: digestBody(body, random),
    ...times(),
  });
  const permit = await sign(gate, 'permit', {
    aud: box.service('worker', 'secret').key,
    owner: view.id,
    request: idOf(request),
    approvals: [],
    decision: 'ask',
    uses: 0,
    code: 'gate.ask',
    rule: '',
    grant: grant.id,
    policy: view.policy!.id,
    budget: null,
    event: 0,
    custody: 'same-user',
    ...times(),
  });
  return { type: 'ask', request, delegations: [], permit, body: toBase64url(body) };
}

describe('asks', () => {
  test('one whose permit is by a foreign gate is no card', async () => {
    await ask(await forgeAsk());
    await troubled('mail.ask permit.bad_issuer');
    expect(await phone.asks.list()).toEqual([]);
  });

  test('one in the name of another device is no card', async () => {
    await ask(await forgeAsk(newSigner(), { device: world.laptop.did }));
    await troubled('mail.ask request.bad_signer');
    expect(await phone.asks.list()).toEqual([]);
  });

  test('one that comes again, before and after its answer, is one card once', async () => {
    const contents: AskContent[] = [];
    const mail = mailOf(box);
    const send = mail.sendContent.bind(mail);
    mail.sendContent = (owner, devices, content, agents) => {
      if (content.type === 'ask') contents.push(content);
      return send(owner, devices, content, agents);
    };
    const call = {
      method: 'GET' as const,
      url: 'http://127.0.0.1:1/',
      headers: { authorization: '{{secret}}' },
      body: null,
      place: { in: 'header' as const, name: 'authorization' },
    };
    const stop = new AbortController();
    const using = box.permits.secrets.use('nothing', call, { purpose: 'try', signal: stop.signal });
    using.catch(() => {});
    await expect.poll(async () => (await phone.asks.list()).length).toBe(1);
    const [content] = contents;
    await ask(content!);
    const [card] = await phone.asks.list();
    await phone.asks.answer(card!.id, 'deny');
    await expect(using).rejects.toMatchObject({ code: 'approval.denied' });
    const { accepted } = await ask(content!);
    await accepted;
    const marker = new Promise<void>((resolve) => phone.mail.onMail(() => resolve()));
    await box.mail.send({ to: 'phone', text: 'all asks before this one are through' });
    await marker;
    expect(await phone.asks.list()).toEqual([]);
    stop.abort();
  });

  test('an answer by a device that is no approver counts for nothing', async () => {
    await expect(box.asks.answer('x'.repeat(43), 'allow')).rejects.toMatchObject({ code: 'owner.not_authorised' });
    const { signer } = deviceKeysOf(boxHome.seed, boxHome.boxSeed);
    const iat = Math.floor(Date.now() / 1000);
    const approval = await sign(signer, 'approval', {
      aud: box.service('gate').key,
      owner: world.start.owner,
      decision: 'allow',
      request: toBase64url(crypto.sha256(utf8('some request'))),
      policy: null,
      iat,
      exp: iat + 60,
      nonce: toBase64url(random(16)),
    });
    await mailOf(box).sendContent(world.start.owner, [world.laptop.did], { type: 'answer', approval });
    await troubled('mail.answer approval.invalid');
  });
});

describe('a registry that lies to who joins', () => {
  /** Joins with the laptop's code while answers of the registry are changed. */
  async function joinUnder(change: (url: string) => Response | undefined): Promise<unknown> {
    const adding = world.laptop.add({ kind: 'member' });
    const home = newHome();
    try {
      for await (const event of adding.events) {
        if (event.type !== 'code') throw new Error(`went on to ${event.type}`);
        world.intercept = change;
        const joining = joinByCode(world.platform, {
          code: event.code,
          keys: deviceKeysOf(home.seed, home.boxSeed),
          device: 'spy',
        });
        for await (const said of joining.events) throw new Error(`joiner went on to ${said.type}`);
      }
      return null;
    } catch (error) {
      return error;
    } finally {
      world.intercept = null;
      adding.cancel();
    }
  }

  async function chainAnswer() {
    const { owner } = world.start;
    const response = await world.platform.transport.fetch(`http://registry/owners/${owner}?from=0`);
    return (await response.json()) as {
      chain: { id: string; statement?: string; cosigns?: string[]; index: number }[];
    };
  }

  test('a chain with a device of its own is refused', async () => {
    const answer = await chainAnswer();
    const forged = await sign(newSigner(), 'enroll', {
      ...{ owner: world.start.owner, seq: answer.chain.length, prev: answer.chain.at(-1)!.id },
      ...{ iat: Math.floor(Date.now() / 1000), view: toBase64url(random(32)) },
      device: newSigner().did,
      box: 'did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F',
      role: 'controller',
      name: 'mallory',
    });
    const lie = { ...answer, chain: [...answer.chain, { id: idOf(forged), statement: forged, cosigns: [], index: 1 }] };
    const error = await joinUnder((url) =>
      url.includes('/owners/') && url.includes('from=') ? Response.json(lie) : undefined,
    );
    expect(error).toMatchObject({ code: 'owner.not_authorised' });
  });

  test('a chain cut short, with an old proof, is refused: the newest statement is not the proven leaf', async () => {
    const answer = await chainAnswer();
    const lie = { ...answer, chain: answer.chain.slice(0, 3).map((entry) => ({ ...entry, index: 1 })) };
    const error = await joinUnder((url) => (url.includes('from=') ? Response.json(lie) : undefined));
    expect(error).toMatchObject({ code: 'log.bad_proof' });
  });
});

describe('a view that is old', () => {
  test('opens no channel, and says how old', async () => {
    const home: Home = { ...boxHome, store: newHome().store };
    // A clock that jumps ahead, and runs fast then: the patience of the device ends soon.
    let jumped = 0;
    const clock = () => (jumped === 0 ? Date.now() : Date.now() + 20 * 60_000 + (Date.now() - jumped) * 50);
    const late = await world.open(home, world.start, { clock });
    await late.ready();
    jumped = Date.now();
    await expect(late.channels.open('laptop', 'shell')).rejects.toMatchObject({ code: 'owner.stale_view' });
    expect(() => late.views.fresh('shell')).toThrow(expect.objectContaining({ code: 'owner.stale_view' }));
  });
});

test('a meeting under another secret is refused by both', async () => {
  const adding = world.laptop.add({ kind: 'member' });
  const outcome = (async () => {
    for await (const event of adding.events) {
      if (event.type !== 'code') continue;
      const code = parseCode(event.code);
      const wrong = encodeCode({ ...code, secret: Secret.from(random(16)) });
      expect(meetingName(parseCode(wrong).secret)).not.toBe(meetingName(code.secret));
      const home = newHome();
      const joining = joinByCode(world.platform, {
        code: wrong,
        keys: deviceKeysOf(home.seed, home.boxSeed),
        device: 'spy',
      });
      try {
        for await (const _ of joining.events) throw new Error('went on');
      } catch (error) {
        adding.cancel();
        return error;
      }
    }
    return null;
  })();
  await expect(outcome).resolves.toMatchObject({ code: 'relay.no_meeting' });
});
