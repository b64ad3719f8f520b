import { crypto, toBase64url } from '@caponier/crypto';
import { type Did, sign } from '@caponier/protocol';
import { seededRandom } from '@caponier/testkit';
import { describe, expect, test } from 'vitest';
import { receiptPrefix } from '../src/mail/keys.ts';
import { ann, ben, clock, deliver, eve, type Keys, open, owner, pair, type Side, texts } from './mail-sides.ts';

const random = seededRandom('receipts');

/** Both ends know each other's keys, and hear what was delivered of theirs. */
async function talking() {
  const { from, to } = await pair();
  await from.mail.reachable;
  to.relay.prekeys = () => from.relay.offered.at(-1) ?? null;
  const heard: [string, Did][] = [];
  from.mail.onDelivered((id, device) => heard.push([id, device]));
  return { from, to, heard };
}

/** Gives all that lies at one end's relay to the other. */
async function carry(from: Side, by: Keys, to: Side, after = 0): Promise<number> {
  for (const mail of from.relay.sent.slice(after)) await deliver(to, by, mail);
  return from.relay.sent.length;
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending');
  await new Promise((resolve) => setTimeout(resolve, 20));
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

const receipt = (by: Keys, members: { aud?: Did; message: string; digest: string }) =>
  sign(by.signer, 'delivered', { aud: ann.did, iat: clock.seconds(), nonce: toBase64url(random(16)), ...members });
const digestOf = (body: Uint8Array) => toBase64url(crypto.sha256(body));

describe('delivered', () => {
  test('is said by the recipient’s device, after it has the message; the relay’s acceptance is another thing', async () => {
    const { from, to, heard } = await talking();
    const sent = await from.mail.send({ to: 'ben', text: 'hello' });
    await sent.accepted;
    expect(await isSettled(sent.delivered)).toBe(false);
    await carry(from, ann, to);
    expect(await texts(to)).toEqual(['hello']);
    await expect.poll(() => to.relay.sent.length).toBe(1);
    await carry(to, ben, from);
    await sent.delivered;
    expect(heard).toEqual([[sent.id, ben.did]]);
    // A receipt begets no receipt.
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(from.relay.sent).toHaveLength(1);
    expect([...from.troubles, ...to.troubles]).toEqual([]);
  });

  test('a relay that keeps nothing and says it did has delivered nothing', async () => {
    const { from, to, heard } = await talking();
    const [first, second] = [
      await from.mail.send({ to: 'ben', text: 'kept' }),
      await from.mail.send({ to: 'ben', text: 'dropped' }),
    ];
    await Promise.all([first.accepted, second.accepted]);
    await deliver(to, ann, from.relay.sent[0]!);
    await expect.poll(() => to.relay.sent.length).toBe(1);
    // It gives the one receipt there is again and again, and one that it made itself.
    await carry(to, ben, from);
    await carry(to, ben, from);
    await deliver(from, ben, { id: random(16), body: random(400) });
    await first.delivered;
    expect(await isSettled(second.delivered)).toBe(false);
    expect(heard).toEqual([[first.id, ben.did]]);
  });

  test('a receipt that does not fit counts for nothing, and is named', async () => {
    const { from, to, heard } = await talking();
    const { id: message, accepted, delivered } = await from.mail.send({ to: 'ben', text: 'hello' });
    await accepted;
    const digest = digestOf(from.relay.sent[0]!.body);
    const good = { message, digest };
    const bad = {
      'of another device': await receipt(eve, good),
      'of ours': await receipt(ann, good),
      'for another device': await receipt(ben, { ...good, aud: eve.did }),
      'of a message never sent': await receipt(ben, { ...good, message: toBase64url(random(16)) }),
      'of another mail': await receipt(ben, { ...good, digest: digestOf(random(5)) }),
      'no statement': 'no.statement.atall',
    };
    let taken = 0;
    for (const forged of Object.values(bad)) {
      from.troubles.length = 0;
      await (await to.mail.sendContent(owner, [ann.did], { type: 'delivered', receipts: [forged] })).accepted;
      taken = await carry(to, ben, from, taken);
      expect(from.troubles).toEqual([expect.stringMatching(/^mail\.delivered (mail\.bad_receipt|statement\.)/)]);
    }
    expect(heard).toEqual([]);
    expect(await isSettled(delivered)).toBe(false);
    // One bad one does not spoil the good one beside it.
    const receipts = [bad['of another mail'], await receipt(ben, good)];
    await (await to.mail.sendContent(owner, [ann.did], { type: 'delivered', receipts })).accepted;
    await carry(to, ben, from, taken);
    await delivered;
  });

  test('is owed across a restart of the recipient, and asked for across one of the sender', async () => {
    const { from, to } = await talking();
    const { id, accepted } = await from.mail.send({ to: 'ben', text: 'hello' });
    await accepted;
    to.relay.state = 'connecting';
    await carry(from, ann, to);
    await to.mail.close();
    await from.mail.close();
    const again = open(ben, to.store, seededRandom('ben again'));
    again.relay.prekeys = () => from.relay.offered.at(-1) ?? null;
    await again.mail.start();
    await expect.poll(() => again.relay.sent.length).toBe(1);
    const sender = open(ann, from.store, seededRandom('ann again'));
    await sender.mail.start();
    const heard: string[] = [];
    sender.mail.onDelivered((message) => heard.push(message));
    await carry(again, ben, sender);
    expect(heard).toEqual([id]);
    expect(await again.store.list(receiptPrefix)).toEqual([]);
  });

  test('many come in few mails, one at a time', async () => {
    const { from, to, heard } = await talking();
    const all = await Promise.all(
      Array.from({ length: 40 }, (_, n) => from.mail.send({ to: 'ben', text: `mail ${n}` })),
    );
    await Promise.all(all.map(({ accepted }) => accepted));
    await carry(from, ann, to);
    let taken = 0;
    await expect
      .poll(async () => {
        taken = await carry(to, ben, from, taken);
        return heard.length;
      })
      .toBe(40);
    expect(taken).toBeLessThan(20);
    expect(new Set(heard.map(([id]) => id))).toEqual(new Set(all.map(({ id }) => id)));
  });
});
