import { fromBase64url, toBase64url } from '@caponier/crypto';
import { encodeDid, type Payload, type Signer, sign } from '@caponier/protocol';
import { enrolment, makeDevice } from '@caponier/testkit';
import { OwnerChain } from '@caponier/verify';
import type { Dice } from '../dice.ts';
import { spoil } from '../mutate.ts';
import type { Arsenal, Attempt } from './attempt.ts';
import { compact, headerOf } from './forge.ts';
import { membershipOf } from './people.ts';
import { type Door, proofOf, type Scene } from './scene.ts';

/** Attempts with tickets, with resume tokens, and with keys that no signature should count under. */

const none = new Uint8Array(0);

/** A ticket of the operator's for the door that wants one. */
export function ticketFor(scene: Scene, signer: Signer, nonce: number, change: Partial<Payload<'ticket'>> = {}) {
  const iat = scene.clock.seconds();
  const bytes = new Uint8Array(16).fill(nonce);
  const payload = { aud: scene.ticket.did, uses: 1, iat, exp: iat + 3600, nonce: toBase64url(bytes) };
  return sign(signer, 'ticket', { ...payload, ...change });
}

/**
 * Tickets, with an owner of the attacker's own whose chain is right in everything: only admission stands before it.
 * `used` is a ticket that somebody came in with.
 */
export async function ticketArsenal(scene: Scene, used: string): Promise<Arsenal> {
  const { people, ticket, list, operator, clock } = scene;
  const { fresh, thief, hands } = people;
  const chain = membershipOf(fresh);
  const hellos = new Map<Door, string>();
  for (const door of [ticket, list]) hellos.set(door, await door.hello(thief.signer, { owner: fresh.id }));
  const now = clock.seconds();
  const good = await ticketFor(scene, operator, 9);
  const bad = new Map<string, string>([
    ['none', ''],
    ['used up', used],
    ['for another relay', await ticketFor(scene, operator, 1, { aud: list.did })],
    ['for the thief', await ticketFor(scene, operator, 2, { aud: thief.did })],
    ['expired', await ticketFor(scene, operator, 3, { iat: now - 7200, exp: now - 61 })],
    ['from the future', await ticketFor(scene, operator, 4, { iat: now + 62 })],
    ['another statement of the operator', await cosignLike(operator, now)],
    ['a statement of the owner', chain[0]!],
  ]);
  for (const hand of hands) bad.set(`by ${hand.did}`, await ticketFor(scene, hand, 5));
  const names = [...bad.keys()];
  const attempt = (door: Door, shown: string, how: string): Attempt => ({
    door,
    proof: proofOf(scene, hellos.get(door)!, { chain, ticket: shown }),
    how,
  });
  return {
    'tickets that admit nobody': (dice) => {
      const how = dice.pick(names);
      return attempt(ticket, bad.get(how)!, how);
    },
    'tickets where a list decides': (dice) => attempt(list, dice.pick([good, used, '']), 'not on the list'),
    async 'tickets spoiled'(dice) {
      const { text, how } = await spoil({ dice, good, other: used, stranger: dice.pick(hands) });
      return attempt(ticket, text, how);
    },
  };
}

function cosignLike(signer: Signer, now: number): Promise<string> {
  const payload = { aud: 'any', services: [], iat: now, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' } as const;
  return sign(signer, 'service', { ...payload, services: [] });
}

/** Tokens without a chain: the right token with another key, and the right key with another token. */
export async function tokenArsenal(scene: Scene): Promise<Arsenal> {
  const { people, open, ticket, tokens } = scene;
  const { ada, mallory, thief, old, hands } = people;
  const rightful = ada.devices[0]!.signer;
  const own = await open.hello(rightful, { owner: ada.id });
  const elsewhere = await ticket.hello(rightful, { owner: ada.id });
  const asOld = await open.hello(old.signer, { owner: ada.id });
  const underAda = await open.hello(thief.signer, { owner: ada.id });
  const underMallory = await open.hello(rightful, { owner: mallory.id });
  const attempt = (hello: string, resume: Uint8Array, how: string, door = open): Attempt => ({
    door,
    proof: proofOf(scene, hello, { resume }),
    how,
  });
  const later = (token: Uint8Array) => {
    const longer = token.slice();
    new DataView(longer.buffer).setBigUint64(0, BigInt(scene.clock.seconds() + 1_000_000));
    return longer;
  };
  const swapped = (token: Uint8Array, owner: string) => {
    const other = token.slice();
    other.set(fromBase64url(owner), 8);
    return other;
  };
  const bad: readonly (readonly [string, Attempt])[] = [
    attempt(own, tokens.ofSibling, 'of a sibling'),
    attempt(own, tokens.ofThief, 'of another owner’s device'),
    attempt(own, tokens.expired, 'expired'),
    attempt(own, later(tokens.expired), 'with a later expiry'),
    attempt(own, later(tokens.good), 'with a later expiry'),
    attempt(own, tokens.ofOtherRelay, 'of another relay'),
    attempt(own, tokens.ofOldSecret, 'under a secret that was rotated out'),
    attempt(own, none, 'none'),
    attempt(elsewhere, tokens.good, 'at another relay', ticket),
    attempt(asOld, tokens.beforeRevocation, 'from before the revocation'),
    attempt(asOld, later(tokens.beforeRevocation), 'from before the revocation, later'),
    attempt(underAda, tokens.ofThief, 'for another owner'),
    attempt(underAda, swapped(tokens.ofThief, ada.id), 'with the owner replaced'),
    attempt(underMallory, tokens.good, 'for another owner'),
    attempt(underMallory, swapped(tokens.good, mallory.id), 'with the owner replaced'),
  ].map((each) => [each.how, each] as const);
  const changes: Readonly<Record<string, (token: Uint8Array, dice: Dice) => Uint8Array>> = {
    'a bit flipped': (token, dice) => {
      const spoilt = token.slice();
      spoilt[dice.below(spoilt.length)]! ^= 1 << dice.below(8);
      return spoilt;
    },
    'cut short': (token, dice) => token.slice(0, dice.below(token.length)),
    'something appended': (token, { bytes }) => new Uint8Array([...token, ...bytes(1)]),
    'another MAC': (token, { bytes }) => new Uint8Array([...token.slice(0, -32), ...bytes(32)]),
    'the MAC of another': (token) => new Uint8Array([...token.slice(0, -32), ...tokens.ofSibling.slice(-32)]),
    random: (token, { bytes }) => bytes(token.length),
  };
  return {
    'tokens that are not this device’s': (dice) => dice.pick(bad)[1],
    async 'tokens stolen'(dice) {
      const hand = dice.pick(hands);
      const token = dice.pick([tokens.good, tokens.ofSibling, tokens.ofOldSecret]);
      return attempt(await open.hello(hand, { owner: ada.id }), token, `by ${hand.did}`);
    },
    'tokens spoiled': (dice) => {
      const how = dice.pick(Object.keys(changes));
      return attempt(own, changes[how]!(tokens.good, dice), how);
    },
  };
}

/** Order of the group of Ed25519 (RFC 8032 section 5.1). */
const order = 2n ** 252n + 27742317777372353535851937790883648493n;

/** Encodings of all points of small order, canonical and not (the list of libsodium, and of wycheproof). */
const smallOrder = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')));

/** Signatures that a lenient verifier takes under such a key for many messages: R of small order, S of 0 or the order. */
function weakSignature(dice: Dice): Uint8Array {
  const signature = new Uint8Array(64);
  signature.set(dice.pick(smallOrder));
  let s = dice.pick([0n, order, 2n * order]);
  for (let i = 32; i < 64; i++, s >>= 8n) signature[i] = Number(s & 0xffn);
  return signature;
}

/** Keys of small order, enrolled by an owner of the attacker's own: whoever signs under one proves nothing. */
export async function weakArsenal(scene: Scene): Promise<Arsenal> {
  const { people, open, clock } = scene;
  const dids = smallOrder.map((key) => encodeDid('ed25519', key));
  const { root, random } = people.mallory;
  const chains = new Map<string, { id: string; chain: string[] }>();
  for (const did of dids) {
    const chain = await OwnerChain.begin({ signer: root, random, clock });
    const box = makeDevice('weak', did, 'member');
    await chain.add('enroll', { ...enrolment(box), device: did, name: 'weak' });
    chains.set(did, { id: chain.view.id, chain: membershipOf({ chain }) });
  }
  return {
    async 'keys of small order'(dice) {
      const did = dice.pick(dids);
      const { id, chain } = chains.get(did)!;
      const signer = { did, sign: () => weakSignature(dice) };
      return { door: open, proof: proofOf(scene, await open.hello(signer, { owner: id }), { chain }), how: did };
    },
    async 'keys of another curve'(dice) {
      const did = encodeDid('p256', new Uint8Array([2 + dice.below(2), ...dice.bytes(32)]));
      const seconds = clock.seconds();
      const said = { aud: open.did, owner: people.ada.id, challenge: toBase64url(scene.challenge), mode: 'shared' };
      const payload = { ...said, tls: null, iat: seconds, exp: seconds + 60, nonce: 'AAAAAAAAAAAAAAAAAAAAAA' };
      const header = { ...headerOf('hello', did), alg: dice.pick(['ES256', 'Ed25519', 'webauthn-ES256']) };
      const hello = await compact(header, payload, { sign: () => dice.bytes(64) });
      return { door: open, proof: proofOf(scene, hello, { chain: membershipOf(people.ada) }), how: did };
    },
  };
}
