import { readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { seededRandom } from '@caponier/testkit';
import { afterEach, expect, test } from 'vitest';
import { connect, keyBytes, membershipOf, ownerNamed, relaySigner, startRelay, type TestRelay } from '../support.ts';
import { Connection, decode, deviceFrom, didOf, encode, nameOf, type Stream } from './client.mjs';

/** docs/protocol.md is enough: a client that knows nothing but that page works with our relay. */

const relay = Buffer.from(keyBytes(relaySigner));
const source = readFileSync(new URL('./client.mjs', import.meta.url), 'utf8');

async function fixture(name: string, device: string) {
  const owner = await ownerNamed(name);
  const seed = Buffer.from(seededRandom(`signer ${name} device ${device}`)(32));
  return deviceFrom(seed, owner.id, membershipOf(owner));
}

const open: Connection[] = [];
function connection(to: TestRelay): Connection {
  const made = new Connection(to.url, () => to.clock.seconds());
  open.push(made);
  return made;
}
afterEach(() => {
  for (const { socket } of open.splice(0)) socket.close();
});

async function ready(to: TestRelay, name: string, device: string): Promise<Connection> {
  const made = connection(to);
  await made.prove(await fixture(name, device), relay);
  return made;
}

test('it imports nothing of ours, and no cryptography but Node’s', () => {
  const imports = [...source.matchAll(/\b(?:from|import|require)\s+['"]([^'"]+)['"]/g)].map(([, name]) => name!);
  expect(imports).toEqual(['node:crypto']);
  for (const name of imports) expect(builtinModules).toContain(name.replace('node:', ''));
  expect(source).not.toMatch(/import\s*\(|require\s*\(|caponier|process\.|globalThis/i);
  const code = source.split('\n').filter((line) => !/^\s*(?:\/?\*|\/\/|$)/.test(line));
  expect(code.length).toBeLessThan(250);
});

test('it proves a device, by chain and by token, and no other than the relay it knows', async () => {
  const to = await startRelay();
  const box = await fixture('ada', 'box');
  expect(box.did).toBe((await ownerNamed('ada')).box.did);
  const first = connection(to);
  const granted = await first.prove(box, relay);
  expect(granted).toMatchObject({ window: 131_072, maxWindow: 262_144, maxStreams: 64, oneTime: 0, seconds: 3600 });
  await expect(connection(to).prove(box, relay, { resume: granted.resume })).resolves.toBeTruthy();
  expect(await first.closed).toMatchObject({ code: 4409, again: false });
  await expect(connection(to).prove(box, Buffer.alloc(32))).rejects.toThrow('another relay');
});

test('it sends mail, takes it in order and once, and acknowledges what it has kept', async () => {
  const to = await startRelay();
  const [laptop, box] = [await ready(to, 'ada', 'laptop'), await fixture('ada', 'box')];
  const id = await laptop.mail(box.key, Buffer.from('one'), { seconds: 3600 });
  await laptop.mail(box.key, Buffer.from('one'), { id });
  await laptop.mail(box.key, Buffer.alloc(262_080, 7));
  await expect(laptop.mail(box.key, Buffer.from('other'), { id })).rejects.toMatchObject({ code: 4415 });
  await expect(laptop.mail(Buffer.alloc(32, 9), Buffer.from('x'))).rejects.toMatchObject({ code: 4404 });

  const kept: Buffer[] = [];
  const first = connection(to);
  await first.prove(box, relay);
  await new Promise<void>((all) => {
    first.listen(async ({ body }: { body: Buffer }) => {
      kept.push(body);
      if (kept.length === 2) all();
    });
  });
  expect(kept.map((body) => body.length)).toEqual([3, 262_080]);
  // The acknowledgement is on its way before the next frame of ours.
  await first.ask('allow', { device: 1, id: Buffer.alloc(32, 3), verdict: 2 });
  const second = connection(to);
  await second.prove(box, relay);
  const again = new Promise((got) => second.listen(async ({ body }: { body: Buffer }) => got(body.toString())));
  await laptop.mail(box.key, Buffer.from('three'));
  expect(await again).toBe('three');
});

test('it carries a megabyte over a stream, within the credit of both ends', async () => {
  const to = await startRelay();
  const [laptop, box] = [await ready(to, 'ada', 'laptop'), await ready(to, 'ada', 'box')];
  const caller = Buffer.from(keyBytes((await ownerNamed('ada')).laptop)).toString('hex');
  const inbound = new Promise<Stream>((got) =>
    box.listen(
      async () => {},
      (peer: Buffer, purpose: number) => {
        expect([peer.toString('hex'), purpose]).toEqual([caller, 7]);
        return got;
      },
    ),
  );
  const [here, there] = await Promise.all([laptop.open((await fixture('ada', 'box')).key, 7), inbound]);
  const sent = Array.from({ length: 32 }, (_, i) => Buffer.alloc(32_768, i));
  const writing = (async () => {
    for (const body of sent) await here.write(body);
  })();
  for (const body of sent) expect((await there.read()).equals(body)).toBe(true);
  await writing;
  await there.write(Buffer.from('and back'));
  expect((await here.read()).toString()).toBe('and back');
  there.close();
  expect(await here.over).toBe(0);
  await expect(laptop.open(Buffer.alloc(32, 9), 7)).rejects.toMatchObject({ code: 4404 });
});

test('it meets our own client’s peer and another of itself, as a guest', async () => {
  const to = await startRelay();
  const laptop = await ready(to, 'ada', 'laptop');
  const name = nameOf('a secret of both');
  const number = await laptop.meet(name, false);
  await expect(laptop.meet(name, false)).rejects.toMatchObject({ code: 4420 });
  const guest = connection(to);
  const theirs = await guest.meet(name, true);
  expect(await laptop.next('met', number)).toMatchObject({ together: 1 });
  guest.send('say', { body: Buffer.from('hello?') }, theirs);
  expect((await laptop.next('say', number)).body.toString()).toBe('hello?');
  laptop.send('say', { body: Buffer.from('hello.') }, number);
  expect((await guest.next('say', theirs)).body.toString()).toBe('hello.');
  laptop.send('leave', { code: 0 }, number);
  expect(await guest.closed).toMatchObject({ code: 1000, again: false });
  const late = connection(to);
  await expect(late.meet(name, true)).rejects.toMatchObject({ code: 4418 });
});

test('it understands why it is closed', async () => {
  const to = await startRelay();
  const ada = await ownerNamed('ada');
  const stranger = connection(to);
  await expect(stranger.prove({ ...(await fixture('eve', 'box')), owner: ada.id }, relay)).rejects.toMatchObject({
    code: 4401,
  });
  const tokened = connection(to);
  const box = await fixture('ada', 'box');
  await expect(tokened.prove(box, relay, { resume: Buffer.alloc(72) })).rejects.toMatchObject({ code: 4412 });
  expect(await tokened.closed).toMatchObject({ code: 4412, again: true, chain: true });
  const laptop = await ready(to, 'ada', 'laptop');
  laptop.send('credit', { bytes: 1 }, 5);
  expect(await laptop.closed).toMatchObject({ code: 4400, again: false });
  to.relay.close();
  expect(await connection(to).closed).toMatchObject({ code: 1001, again: true });
});

test('it says the same as our own encoder, and hears what ours hears', async () => {
  const to = await startRelay();
  const { peer, welcome } = await connect(to, await ownerNamed('ada'), (await ownerNamed('ada')).phone.signer);
  peer.raw(encode('ping'));
  await peer.next('pong');
  expect(welcome.window).toBe(131_072);
  expect(
    decode(encode('deliver', { seq: 2 ** 33, from: relay, id: Buffer.alloc(16), body: Buffer.from('x') })),
  ).toMatchObject({ name: 'deliver', seq: 2 ** 33 });
  expect(didOf(relay)).toBe(relaySigner.did);
});
