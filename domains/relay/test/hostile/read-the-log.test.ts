import { Secret, toBase64url, toHex, utf8 } from '@caponier/crypto';
import { errorCatalogue, sign } from '@caponier/protocol';
import { enrolment, makeDevice, makeOwner, testSigner } from '@caponier/testkit';
import { describe, expect, it } from 'vitest';
import type { RelayFields } from '../../src/index.ts';
import {
  connect,
  keyBytes,
  knock,
  listen,
  membershipOf,
  messageId,
  ownerNamed,
  relaySigner,
  startRelay,
} from '../support.ts';

const seconds = 1_800_000_000;
const operator = testSigner('operator');
/** Of each, the first refusal is a line of its own. */
const addresses = Array.from({ length: 9 }, (_, n) => `192.0.2.${n}`);

/** What somebody says or shows, and no line may repeat. */
const marks: Uint8Array[] = [];
function marked(what: string, length = 32): Uint8Array {
  const bytes = utf8(`<${what}>`.padEnd(length, what).slice(0, length));
  marks.push(bytes);
  return bytes;
}
/** The same of a text in parts: a statement, a token. */
function markedText(text: string): string {
  for (const part of text.split('.')) if (part.length > 9) marks.push(utf8(part));
  return text;
}

/** The beginning of each mark, in every way in which bytes are written as text. */
const spellings = (bytes: Uint8Array) => [
  String.fromCharCode(...bytes.subarray(0, 12)),
  toBase64url(bytes.subarray(0, 12)),
  Buffer.from(bytes.subarray(0, 12)).toString('base64'),
  toHex(bytes.subarray(0, 8)),
  bytes.subarray(0, 12).join(),
];

const nobodys = { resume: new Uint8Array(0), chain: [], ticket: '' };

describe('logs', () => {
  it('carry no key material, no bodies and no statements', async () => {
    marks.length = 0;
    const [ada, bob] = [await ownerNamed('ada'), await makeOwner('eve')];
    await bob.chain.add('enroll', enrolment(makeDevice('eve', 'device-of-eve-by-name', 'member')));
    const test = await startRelay({
      admission: { kind: 'ticket', operators: [operator.did] },
      resume: { current: Secret.from(marked('the passphrase of the relay', 40)) },
      limits: { failuresPerMinute: 1e9, challengesPerMinute: 1e9, refusalsAlert: 3, replacements: 1, pendingMail: 1 },
    });
    const ticketFor = (nonce: Uint8Array) =>
      sign(operator, 'ticket', {
        aud: relaySigner.did,
        uses: 1,
        iat: seconds,
        exp: seconds + 600,
        nonce: toBase64url(nonce.slice(0, 16)),
      });
    for (const jws of [...membershipOf(ada), ...membershipOf(bob)]) markedText(jws);

    // Who is refused, each at an address of its own: for what it shows, names, or does not say at all.
    const thief = makeDevice('m', 'm', 'member').signer;
    for (const [n, shown] of [
      nobodys,
      { ...nobodys, ticket: markedText('ticket-that-is-none.of.anybody') },
      { ...nobodys, resume: marked('a resume token that is none', 100) },
      { ...nobodys, chain: [markedText('statement-that-is-none.of.anybody')] },
      { chain: membershipOf(ada), hello: { owner: bob.id } },
      {},
    ].entries()) {
      test.address = addresses[1 + n]!;
      await (await knock(test, ada, thief, shown)).gone();
    }
    test.address = addresses[8]!;
    for (let n = 0; n < 3; n++) {
      const peer = await knock(test, ada, thief, nobodys);
      peer.raw('a text that is none of the protocol');
      await peer.gone();
    }

    // Devices come, talk and go. A resume token is used; the connection of before is replaced; a key is flapping.
    test.address = addresses[0]!;
    const ticket = markedText(await ticketFor(marked('nonce of a ticket')));
    const { welcome } = await connect(test, ada, ada.box.signer, { ticket });
    marks.push(welcome.resume);
    await connect(test, ada, ada.box.signer, { chain: [], resume: welcome.resume });
    await (await knock(test, ada, ada.box.signer)).gone();
    const laptop = await listen(test, ada, ada.laptop.signer);
    const phone = await listen(test, ada, ada.phone.signer);
    await connect(test, bob, bob.box.signer, { ticket: markedText(await ticketFor(marked('another nonce'))) });

    const to = keyBytes(ada.laptop.signer);
    for (const [n, body] of [marked('a mail that is kept', 5_000), marked('a mail too many', 60)].entries()) {
      phone.send('mail', { to, id: marked(`${n}: id of mail`, 16), seconds: 0, body });
      await phone.answer();
    }
    await laptop.next('deliver');
    phone.send('open', { channel: 1, peer: to, purpose: 1 });
    const { channel } = await laptop.next('open');
    laptop.send('opened', { channel });
    await phone.next('opened');
    phone.send('data', { channel: 1, body: marked('what a stream carries', 60) });
    await laptop.next('data');
    laptop.send('meet', { channel: 1, join: false, name: marked('name of a meeting') });
    await laptop.next('met');
    phone.send('meet', { channel: 1, join: true, name: marks.at(-1)! });
    await phone.next('met');
    phone.send('say', { channel: 1, body: marked('what is said in a meeting', 60) });
    await laptop.next('say');
    phone.send('offer', { channel: 2, statements: [markedText('prekeys-that-are-none.of.anybody')] });
    phone.send('news', { channel: 3, statements: [markedText('news-that-are-none.of.anybody')] });
    phone.send('fetch', { channel: 4, device: marked('key of a device') });
    phone.send('allow', { channel: 5, device: false, id: marked('name of a contact'), verdict: 'allow' });
    await phone.next('done');
    phone.raw(marked('a frame that is none', 60));
    await phone.gone();
    const { statement } = await bob.chain.add('revoke', { what: 'device', target: bob.box.did });
    await test.relay.present([markedText(statement.jws)]);

    // Storage fails at last, with mail in hand.
    await test.store.close();
    laptop.send('mail', { to, id: messageId(9), seconds: 0, body: marked('a mail that storage fails for', 60) });
    await laptop.answer();
    test.clock.advance(61);
    for (let n = 0; n < 3; n++) test.tick();

    expect([...new Set(test.logged.map(({ event }) => event))].sort()).toEqual([
      'relay.cut',
      'relay.first_device',
      'relay.first_owner',
      'relay.flapping',
      'relay.ready',
      'relay.refusals',
      'relay.refused',
      'relay.revoked',
      'relay.storage_failed',
    ]);
    // What may stand in a field is closed: who the operator may know of, codes of the catalogue, numbers.
    const devices = new Set<unknown>([ada, bob].flatMap(({ box, laptop, phone }) => [box.did, laptop.did, phone.did]));
    const allowed: { readonly [N in keyof RelayFields]-?: (value: unknown) => boolean } = {
      address: (value) => addresses.includes(value as string),
      device: (value) => devices.has(value),
      owner: (value) => value === ada.id || value === bob.id,
      code: (value) => (value as string) in errorCatalogue,
      count: Number.isSafeInteger,
      value: Number.isSafeInteger,
    };
    const others = test.logged.flatMap(({ event, fields }) =>
      Object.entries(fields)
        .filter(([name, value]) => !allowed[name as keyof RelayFields]?.(value))
        .map(([name, value]) => [event, name, value]),
    );
    expect(others).toEqual([]);
    const lines = JSON.stringify(test.logged);
    expect(marks.flatMap(spellings).filter((spelling) => lines.includes(spelling))).toEqual([]);
  });
});
