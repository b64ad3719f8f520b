import { fromBase64url, fromUtf8, toBase64url } from '@caponier/crypto';
import { sign } from '@caponier/protocol';
import { makeDevice, makeOwner, testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import type { DeliveredMail, RelayStream } from '../../src/link/relay-port.ts';
import {
  clientOf,
  connected,
  hastyWait,
  keyBytes,
  membershipOf,
  ownerNamed,
  random,
  runRelay,
  stateOf,
  temporaryFolder,
  text,
} from './support.ts';

describe('a relay client', () => {
  it('sends mail and handles mail, each once and in order, across breaks and a restart of the relay', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    let relay = await runRelay(folder);
    const sender = await connected(relay.url, ada, ada.laptop.signer);
    const receiver = clientOf(relay.url, ada, ada.box.signer);
    const got: string[] = [];
    let failures = 0;
    receiver.receiveMail(async (mail: DeliveredMail) => {
      const body = fromUtf8(mail.body);
      // A handler that fails is asked again with the same mail.
      if (body === 'mail 7' && failures++ < 2) throw new Error('not yet');
      got.push(body);
    });
    receiver.start();
    const to = keyBytes(ada.box.signer);
    const sent: Promise<void>[] = [];
    for (let n = 0; n < 60; n++) {
      sent.push(sender.sendMail(to, random(16), text(`mail ${n}`)));
      if (n === 20 || n === 40) {
        relay.cut();
        await stateOf(sender, 'connecting');
        await stateOf(sender, 'connected');
      }
      if (n === 30) {
        await relay.stop();
        relay = await runRelay(folder, {}, relay.port);
      }
    }
    await Promise.all(sent);
    await expect.poll(() => got.length).toBe(60);
    expect(got).toEqual(Array.from({ length: 60 }, (_, n) => `mail ${n}`));
    expect(failures).toBeGreaterThan(2);
  });

  it('acknowledges only what its handler is through with', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    const relay = await runRelay(folder);
    const sender = await connected(relay.url, ada, ada.laptop.signer);
    await sender.sendMail(keyBytes(ada.box.signer), random(16), text('precious'));
    const first = clientOf(relay.url, ada, ada.box.signer);
    let seen = 0;
    first.receiveMail(async () => {
      seen += 1;
      throw new Error('the disk is full');
    });
    first.start();
    await expect.poll(() => seen).toBeGreaterThan(0);
    first.close();
    const second = clientOf(relay.url, ada, ada.box.signer);
    const mail = await new Promise<DeliveredMail>((resolve) => {
      second.receiveMail(async (received) => resolve(received));
      second.start();
    });
    expect(mail.body).toEqual(text('precious'));
    expect(mail.from).toEqual(keyBytes(ada.laptop.signer));
  });

  it('reports refusals of mail, and slows down when it is told to', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    const relay = await runRelay(folder, {
      limits: { challengesPerMinute: 100, mailBurst: 5, mailPerMinute: 6_000, pendingMail: 12 },
    });
    const sender = await connected(relay.url, ada, ada.laptop.signer);
    const to = keyBytes(ada.box.signer);
    const outcomes = await Promise.allSettled(
      Array.from({ length: 14 }, (_, n) => sender.sendMail(to, random(16), text(`${n}`))),
    );
    // One that was sent too soon goes again, and may find the place taken by one that came at the right time.
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.map(({ reason }) => reason.code)).toEqual(Array(2).fill('relay.mailbox_full'));
    await expect(sender.sendMail(new Uint8Array(32).fill(1), random(16), text(''))).rejects.toThrow(
      'relay.not_reachable',
    );
    const id = random(16);
    expect(sender.sendMail(to, id, text('x'))).toBe(sender.sendMail(to, id, text('x')));
    await expect(sender.sendMail(to, id, text('x'))).rejects.toThrow('relay.mailbox_full');
  });

  it('says hello to the relay it knows, and to no other', async () => {
    const ada = await ownerNamed('ada');
    const relay = await runRelay(await temporaryFolder());
    const client = clientOf(relay.url, ada, ada.box.signer, { relay: testSigner('another').did });
    client.start();
    await stateOf(client, 'refused');
    expect(client.trouble).toBe('relay.wrong_relay');
    expect(relay.relay.counts().connections).toBeLessThanOrEqual(1);
  });

  it('says so when it is refused, and comes in when that has changed', async () => {
    const eve = await makeOwner('eve');
    const relay = await runRelay(await temporaryFolder());
    const tablet = makeDevice('eve', 'tablet', 'member');
    let chain = membershipOf(eve);
    const client = clientOf(relay.url, eve, tablet.signer, {
      credentials: { chain: async () => chain, ticket: null },
    });
    client.start();
    await stateOf(client, 'refused');
    expect(client.trouble).toBe('relay.bad_hello');
    await eve.chain.add('enroll', { device: tablet.did, box: tablet.box, role: 'member', name: 'tablet' });
    chain = membershipOf(eve);
    await stateOf(client, 'connected');
    expect(client.trouble).toBeNull();
  });

  it('uses its resume token, and shows the chain again when that is stale', async () => {
    const ada = await ownerNamed('ada');
    const folder = await temporaryFolder();
    const relay = await runRelay(folder);
    let shown = 0;
    const credentials = {
      chain: async () => {
        shown += 1;
        return membershipOf(ada);
      },
      ticket: null,
    };
    const client = await connected(relay.url, ada, ada.box.signer, { credentials });
    relay.cut();
    await stateOf(client, 'connecting');
    await stateOf(client, 'connected');
    expect(shown).toBe(1);
    await relay.stop();
    // Another store: this relay has never heard of the owner.
    await runRelay(await temporaryFolder(), {}, relay.port);
    await stateOf(client, 'connecting');
    await stateOf(client, 'connected');
    expect(shown).toBe(2);
  });

  it('gives way to a newer one of the same device, and does not fight', async () => {
    const ada = await ownerNamed('ada');
    const relay = await runRelay(await temporaryFolder());
    const older = await connected(relay.url, ada, ada.box.signer);
    const newer = await connected(relay.url, ada, ada.box.signer);
    await stateOf(older, 'refused');
    expect(older.trouble).toBe('relay.replaced');
    const beside = await connected(relay.url, ada, ada.box.signer, { mode: 'shared' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([newer.state, beside.state, older.state]).toEqual(['connected', 'connected', 'refused']);
  });

  it('waits between attempts: 1 to 30 seconds, a fifth more or less', async () => {
    const ada = await ownerNamed('ada');
    const pauses: number[] = [];
    const client = clientOf('ws://127.0.0.1:1', ada, ada.box.signer, {
      wait: (milliseconds, signal) => {
        if (milliseconds < 100_000 && !signal.aborted) pauses.push(milliseconds);
        return hastyWait(milliseconds / 100, signal);
      },
    });
    client.start();
    await expect.poll(() => pauses.length).toBeGreaterThan(7);
    client.close();
    for (const [n, pause] of pauses.slice(0, 8).entries()) {
      const middle = Math.min(1_000 * 2 ** n, 30_000);
      expect(pause).toBeGreaterThanOrEqual(middle * 0.8);
      expect(pause).toBeLessThanOrEqual(middle * 1.2);
    }
    expect(new Set(pauses.map((pause, n) => pause / 2 ** n)).size).toBeGreaterThan(4);
    await expect(client.sendMail(new Uint8Array(32), random(16), text(''))).rejects.toThrow('relay.disconnected');
  });

  it('keeps prekeys with the relay, lets contacts in, and tells it of removals', async () => {
    const [ada, bob] = await Promise.all([ownerNamed('ada'), ownerNamed('bob')]);
    const relay = await runRelay(await temporaryFolder());
    const box = await connected(relay.url, ada, ada.box.signer);
    const contact = await connected(relay.url, bob, bob.laptop.signer);
    const prekeys = async (oneTime: boolean) =>
      sign(ada.box.signer, 'prekeys', {
        aud: 'any',
        versions: [1],
        box: ada.box.box,
        prekey: toBase64url(random(32)),
        kem: toBase64url(random(1184)),
        oneTime: oneTime ? toBase64url(random(32)) : null,
        iat: Math.floor(Date.now() / 1000),
        nonce: toBase64url(random(16)),
      });
    const [last, one] = [await prekeys(false), await prekeys(true)];
    expect(await contact.fetchPrekeys(keyBytes(ada.box.signer))).toBeNull();
    await box.offer([last, one]);
    expect(await contact.fetchPrekeys(keyBytes(ada.box.signer))).toBe(last);
    await expect(contact.sendMail(keyBytes(ada.box.signer), random(16), text('hi'))).rejects.toThrow('not_reachable');
    await box.judge('owner', fromBase64url(bob.id), 'allow');
    expect(await contact.fetchPrekeys(keyBytes(ada.box.signer))).toBe(one);
    await contact.sendMail(keyBytes(ada.box.signer), random(16), text('hi'));
    await expect(box.offer(['a.b.c'])).rejects.toThrow('relay.bad_statement');
    const freeze = await sign(ada.phone.signer, 'freeze', {
      aud: ada.id,
      what: 'device',
      target: ada.box.did,
      iat: Math.floor(Date.now() / 1000),
      nonce: toBase64url(random(16)),
    });
    await contact.tell([freeze]);
    await stateOf(box, 'refused');
    expect(box.trouble).toBe('relay.frozen');
  });
});

describe('streams of a client', () => {
  const pair = async () => {
    const ada = await ownerNamed('ada');
    const relay = await runRelay(await temporaryFolder());
    const box = clientOf(relay.url, ada, ada.box.signer);
    const taken = Promise.withResolvers<RelayStream>();
    box.acceptStreams((purpose) => (purpose === 3 ? (stream) => taken.resolve(stream) : null));
    box.start();
    await stateOf(box, 'connected');
    const laptop = await connected(relay.url, ada, ada.laptop.signer);
    return { ada, relay, box, laptop, taken: taken.promise };
  };

  it('carry a megabyte to a slow reader, in order, and no more at once than the window', async () => {
    const { ada, laptop, taken } = await pair();
    const near = await laptop.openStream(keyBytes(ada.box.signer), 3);
    const far = await taken;
    expect(far.peer).toEqual(keyBytes(ada.laptop.signer));
    let sent = 0;
    const body = (n: number) => new Uint8Array(1 + ((n * 7919) % 4000)).fill(n);
    const sending = (async () => {
      for (let n = 0; n < 500; n++) {
        await near.send(body(n));
        sent += 8 + body(n).length;
      }
      near.close();
    })();
    let got = 0;
    let bytes = 0;
    for await (const message of far.messages) {
      if (got % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(sent - bytes).toBeLessThanOrEqual(256 * 1024);
      expect(message).toEqual(body(got));
      got += 1;
      bytes += 8 + message.length;
    }
    expect(got).toBe(500);
    await sending;
    await expect(near.send(new Uint8Array(1))).rejects.toThrow('relay.not_reachable');
    await expect(far.send(new Uint8Array(1))).rejects.toThrow('relay.not_reachable');
  });

  it('keep the order of records sent without waiting', async () => {
    const { ada, laptop, taken } = await pair();
    const near = await laptop.openStream(keyBytes(ada.box.signer), 3);
    const far = await taken;
    const sizes = Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? 60_000 : 10));
    const all = Promise.all(sizes.map((size, n) => near.send(new Uint8Array(size).fill(n))));
    let got = 0;
    for await (const message of far.messages) {
      expect([message.length, message[0]]).toEqual([sizes[got], got]);
      got += 1;
      if (got === sizes.length) far.close();
    }
    await all;
    const rest: Uint8Array[] = [];
    for await (const message of near.messages) rest.push(message);
    expect(rest).toEqual([]);
  });

  it('are refused, and end with the connection, by a code', async () => {
    const { ada, box, laptop, relay, taken } = await pair();
    await expect(laptop.openStream(keyBytes(ada.box.signer), 4)).rejects.toThrow('relay.not_reachable');
    await expect(laptop.openStream(keyBytes(ada.phone.signer), 3)).rejects.toThrow('relay.not_reachable');
    const near = await laptop.openStream(keyBytes(ada.box.signer), 3);
    const far = await taken;
    await far.send(text('last words'));
    const iterator = near.messages[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual(text('last words'));
    box.close();
    await expect(iterator.next()).rejects.toThrow('relay.not_reachable');
    await expect(near.send(new Uint8Array(1))).rejects.toThrow('relay.not_reachable');
    relay.cut();
    await stateOf(laptop, 'connecting');
    await expect(laptop.openStream(keyBytes(ada.box.signer), 3)).rejects.toThrow('relay.disconnected');
  });
});
