import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fromUtf8, utf8 } from '@caponier/crypto';
import { verifyCapsule } from '@caponier/verify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Device, type Duplex, type Letter, signNeed } from '../src/index.ts';
import { joinWith } from './joining.ts';
import { type Home, makeWorld, newHome, newSigner, type World } from './world.ts';

let world: World;
let box: Device;
let phone: Device;
let boxHome: Home;
let phoneHome: Home;

beforeAll(async () => {
  world = await makeWorld();
});
afterAll(() => world.close());

const next = (device: Device) =>
  new Promise<Letter>((resolve) => {
    const stop = device.mail.onMail((letter) => {
      stop();
      resolve(letter);
    });
  });

describe('one owner', () => {
  test('a box joins by code: both see one number, and it is a member', async () => {
    boxHome = newHome();
    const { result, numbers } = await joinWith(world, boxHome, { kind: 'member', device: 'box' });
    expect(numbers).toHaveLength(2);
    expect(numbers[0]).toBe(numbers[1]);
    expect(result).toMatchObject({ kind: 'member', name: 'box', role: 'member' });
    box = await world.open(boxHome, result.start!);
    await box.ready();
    expect((await world.laptop.status()).devices.map(({ name, role }) => [name, role])).toContainEqual([
      'box',
      'member',
    ]);
  });

  test('a phone joins as approver', async () => {
    phoneHome = newHome();
    const { result } = await joinWith(world, phoneHome, { kind: 'approver', device: 'phone' });
    phone = await world.open(phoneHome, result.start!);
    await phone.ready();
    expect((await phone.status()).devices.find(({ name }) => name === 'phone')).toMatchObject({ approver: true });
  });

  test('nothing is enrolled where one side says no', async () => {
    const before = (await world.laptop.status()).devices.length;
    await expect(joinWith(world, newHome(), { kind: 'member', device: 'spy' }, { adder: false })).rejects.toMatchObject(
      {
        code: 'code.declined',
      },
    );
    await expect(
      joinWith(world, newHome(), { kind: 'member', device: 'spy' }, { joiner: false }),
    ).rejects.toMatchObject({ code: 'code.declined' });
    expect((await world.laptop.status()).devices).toHaveLength(before);
  });

  test('mail goes both ways, in order, and the outbox is empty then', async () => {
    const first = next(box);
    const { accepted } = await world.laptop.mail.send({ to: 'box', text: 'one' });
    await accepted;
    expect(await first).toMatchObject({ from: 'laptop', text: 'one', fromAgent: null });
    const back = next(world.laptop);
    await box.mail.send({ to: 'claude@laptop', text: 'two', fromAgent: 'codex@box' });
    expect(await back).toMatchObject({ from: 'codex@box', text: 'two', toAgent: 'claude@laptop' });
    for (const text of ['a', 'b', 'c']) await world.laptop.mail.send({ to: 'box', text });
    await expect.poll(async () => (await box.mail.list()).map(({ text }) => text)).toEqual(['one', 'a', 'b', 'c']);
    // The recipient has the mail before the sender has the relay’s word for it.
    await expect.poll(() => world.laptop.mail.waiting()).toBe(0);
    const [letter] = await box.mail.list();
    await box.mail.take(letter!.id);
    expect((await box.mail.list()).map(({ text }) => text)).toEqual(['a', 'b', 'c']);
  });

  test('mail to a device that is away waits, and arrives once after both restarted', async () => {
    await box.close();
    const { accepted } = await world.laptop.mail.send({ to: 'box', text: 'while you were out' });
    await accepted;
    box = await world.open(boxHome, world.start);
    await box.ready();
    await expect
      .poll(async () => (await box.mail.list()).filter(({ text }) => text === 'while you were out').length)
      .toBe(1);
  });

  test('a channel carries messages both ways, larger than a record, and tells its end', async () => {
    const taken = new Promise<Duplex>((resolve) => {
      box.channels.accept(
        'shell',
        (_purpose, peer) => {
          if (peer.role !== 'controller') throw new Error('no');
        },
        resolve,
      );
    });
    const here = await world.laptop.channels.open('box', 'shell');
    const there = await taken;
    expect([here.peer.name, there.peer.name]).toEqual(['box', 'laptop']);
    const big = new Uint8Array(200_000).fill(7);
    const inbox = there.messages[Symbol.asyncIterator]();
    await here.send(utf8('hello'));
    expect(fromUtf8((await inbox.next()).value!)).toBe('hello');
    const sending = here.send(big);
    expect((await inbox.next()).value).toEqual(big);
    await sending;
    await here.end();
    expect((await inbox.next()).done).toBe(true);
    const back = here.messages[Symbol.asyncIterator]();
    await there.send(utf8('bye'));
    expect(fromUtf8((await back.next()).value!)).toBe('bye');
    there.close();
    await expect(back.next()).rejects.toMatchObject({ code: 'session.bad_record' });
  });

  test('a purpose that nobody takes is refused', async () => {
    await expect(world.laptop.channels.open('box', 'forward')).rejects.toMatchObject({ code: 'relay.not_reachable' });
  });
});

describe('permits', () => {
  test('a secret is put away, used by a yes from the phone, and told of in a capsule', async () => {
    const seen: (string | undefined)[] = [];
    const upstream = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('created');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
    try {
      const put = await world.laptop.permits.secrets.put('github', utf8('ghp_0123456789'), [url]);
      expect(put.result).toMatchObject({ name: 'github' });
      const key = newSigner();
      const delegation = await box.permits.delegate({
        agent: 'claude@box',
        key: key.did,
        classes: ['secret'],
        ops: ['secret.use'],
        resources: ['*'],
        lives: 3600,
      });
      const asker = { signer: key, agent: 'claude@box', delegations: [delegation.jws] };
      const call = {
        method: 'POST' as const,
        url: `${url}/issues`,
        headers: { authorization: 'Bearer {{secret}}' },
        body: null,
        place: { in: 'header' as const, name: 'authorization' },
      };
      const using = box.permits.secrets.use('github', call, { purpose: 'open an issue', asker });
      using.catch(() => {});
      await expect.poll(async () => (await phone.asks.list()).length).toBe(1);
      const [card] = await phone.asks.list();
      expect(card).toMatchObject({
        agent: 'claude@box',
        op: 'secret.use',
        resource: 'github',
        purpose: 'open an issue',
      });
      expect(card!.body).toContain('/issues');
      expect(seen).toEqual([]);
      await phone.asks.answer(card!.id, 'allow');
      const done = await using;
      expect(done.result.status).toBe(200);
      expect(seen).toEqual(['Bearer ghp_0123456789']);
      expect(await phone.asks.list()).toEqual([]);
      const capsule = await box.capsule(card!.id);
      const report = await verifyCapsule(capsule, await world.laptop.trustFile(), { now: Date.now() });
      expect(report.failed).toBeNull();
      expect((await box.log())[0]).toMatchObject({ request: card!.id, decision: 'allow', result: 'done' });

      const again = box.permits.secrets.use('github', call, { purpose: 'and again', asker });
      again.catch(() => {});
      await expect.poll(async () => (await phone.asks.list()).length).toBe(1);
      await phone.asks.answer((await phone.asks.list())[0]!.id, 'deny');
      await expect(again).rejects.toMatchObject({ code: 'approval.denied' });
      expect(seen).toHaveLength(1);
    } finally {
      upstream.close();
    }
  });

  test('what no grant covers is not even asked for', async () => {
    await expect(world.laptop.permits.memory.get('notes/today')).rejects.toMatchObject({ code: 'owner.no_service' });
    await expect(
      world.laptop.permits.perform({ class: 'secret', op: 'secret.steal', resource: 'x', body: null, purpose: '' }),
    ).rejects.toMatchObject({ code: 'grant.not_covered' });
  });
});

describe('two owners', () => {
  test('a contact joins with an owner made on the way, and mail goes both ways', async () => {
    const home = newHome();
    const { result } = await joinWith(world, home, {
      kind: 'contact',
      name: 'bob',
      device: 'bobs-laptop',
      contact: 'alice',
      root: newSigner(),
    });
    expect(result.contact).toMatchObject({ owner: world.start.owner, name: 'alice' });
    const bob = await world.open(home, result.start!);
    await bob.ready();
    expect((await world.laptop.status()).contacts.map(({ name }) => name)).toEqual(['bob']);
    const arrives = next(bob);
    await world.laptop.mail.send({ to: 'bob', text: 'ship it?' });
    expect(await arrives).toMatchObject({ from: 'alice', text: 'ship it?' });
    const back = next(world.laptop);
    await bob.mail.send({ to: 'alice', text: 'yes' });
    expect(await back).toMatchObject({ from: 'bob', text: 'yes' });
    await expect(bob.mail.send({ to: 'carol', text: '?' })).rejects.toMatchObject({ code: 'mail.no_recipient' });
    await expect(bob.channels.open('laptop', 'shell')).rejects.toMatchObject({ code: 'cli.no_device' });
  });
});

describe('removals', () => {
  test('a frozen device is cut and refused; a thaw lets it back in', async () => {
    const report = await phone.freeze({ what: 'device', target: box.did });
    expect(report.missing).toEqual([]);
    expect(report.pushes.map(({ role }) => role).sort()).toEqual(['gate', 'registry', 'relay', 'worker']);
    await expect(world.laptop.channels.open('box', 'shell')).rejects.toMatchObject({ code: 'owner.frozen' });
    await expect(box.channels.open('laptop', 'shell')).rejects.toMatchObject({ code: 'owner.frozen' });
    const { signer } = await phoneCosigner();
    const need = await world.laptop.need([{ kind: 'thaw', members: { freezes: [report.id] } }]);
    const signed = await signNeed(need, { ...world.platform, signer: world.root, cosigners: [signer] });
    expect(await world.laptop.publish(signed.statements)).toMatchObject({ sequenced: true });
    expect((await world.laptop.status()).freezes).toEqual([]);
  });

  test('a revoked device is gone for everybody', async () => {
    const need = await world.laptop.need([{ kind: 'revoke', members: { what: 'device', target: box.did } }]);
    const signed = await signNeed(need, { ...world.platform, signer: world.root });
    const report = await world.laptop.publish(signed.statements);
    expect(report).toMatchObject({ sequenced: true, missing: [] });
    expect((await world.laptop.status()).devices.map(({ name }) => name)).not.toContain('box');
    await expect(world.laptop.mail.send({ to: 'box', text: '?' })).rejects.toMatchObject({ code: 'mail.no_recipient' });
  });
});

async function phoneCosigner() {
  const { deviceKeysOf } = await import('../src/index.ts');
  return deviceKeysOf(phoneHome.seed, phoneHome.boxSeed);
}
