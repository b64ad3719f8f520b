import { toBase64url } from '@caponier/crypto';
import { kinds, type Signer } from '@caponier/protocol';
import type { TestDevice } from '@caponier/testkit';
import type { Dice } from '../dice.ts';
import { spoil } from '../mutate.ts';
import type { Arsenal, Attempt } from './attempt.ts';
import { compact, headerOf } from './forge.ts';
import { membershipOf, type Victim } from './people.ts';
import { type Door, proofOf, type Scene } from './scene.ts';

/** Attempts whose `hello` is wrong, beside a chain that is right: the device of a victim, without its key. */

/** A value of a member, and what is wrong about it; nothing where it would do. */
type Draw = readonly [value: unknown, fault?: string];
type Member = (dice: Dice, scene: Scene, door: Door) => readonly Draw[];

const gone = Symbol('left out');

const members: Readonly<Record<string, Member>> = {
  aud: (_dice, { people, list, ticket }, door) => [
    [door.did],
    [(door === list ? ticket : list).did, 'for another relay'],
    [people.thief.did, 'for the attacker itself'],
    ['did:key:z', 'for nobody'],
  ],
  owner: ({ bytes }, { people }) => [
    [people.ada.id],
    [people.dora.id, 'of an owner nobody knows'],
    [toBase64url(bytes(32)), 'of no owner'],
    [null, 'as a service'],
    ['', 'of an empty owner'],
    [people.cem.id, 'of another owner'],
  ],
  challenge: ({ bytes }, { challenge, otherChallenge }) => [
    [toBase64url(challenge)],
    [toBase64url(otherChallenge), 'to another connection'],
    [toBase64url(bytes(32)), 'to no challenge'],
    [toBase64url(challenge.slice(0, 31)), 'to a part of the challenge'],
    [toBase64url(new Uint8Array(32)), 'to nothing'],
  ],
  mode: () => [['exclusive'], ['shared'], ['both', 'in no mode']],
  tls: ({ bytes }, _scene, { tls }) => [
    [null],
    [tls],
    ...(tls === null ? [] : ([[toBase64url(bytes(32)), 'through another certificate']] as const)),
    ['none', 'without a pin'],
  ],
  nonce: ({ bytes }) => [
    [toBase64url(bytes(16))],
    [toBase64url(bytes(15)), 'with a short nonce'],
    [7, 'with a number'],
  ],
};

/** Times, which are right or wrong together. */
const times = (now: number, dice: Dice): readonly (readonly [iat: unknown, exp: unknown, fault?: string])[] => [
  [now, now + 60],
  [now - 3600 + dice.below(600), now - 61 - dice.below(600), 'expired'],
  [now + 62 + dice.below(600), now + 700, 'from the future'],
  [now, now + 601 + dice.below(10_000), 'for too long'],
  [now + 0.5, now + 60, 'with half seconds'],
  [String(now), now + 60, 'with a time in quotes'],
];

/** A good one of several draws, or (where `wrong`) a faulty one. */
function draw<T extends readonly unknown[]>(dice: Dice, draws: readonly T[], at: number, wrong: boolean): T {
  return dice.pick(draws.filter((each) => (each[at] !== undefined) === wrong));
}

/** A payload with a fault in one member, often in more, sometimes with one too many or too few. */
function wrongPayload(dice: Dice, scene: Scene, door: Door): { payload: object; how: string } {
  const names = [...Object.keys(members), 'times', 'form'];
  const forced = dice.pick(names);
  const faults: string[] = [];
  const wrong = (name: string) => name === forced || dice.once(6);
  const noted = (fault: string | undefined) => fault !== undefined && faults.push(fault);
  const values: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(members)) {
    const [value, fault] = draw<Draw>(dice, member(dice, scene, door), 1, wrong(name));
    values[name] = value;
    noted(fault);
  }
  const [iat, exp, fault] = draw(dice, times(scene.clock.seconds(), dice), 2, wrong('times'));
  noted(fault);
  const { aud, owner, challenge, mode, tls, nonce } = values;
  const payload: Record<string, unknown> = { aud, owner, challenge, mode, tls, iat, exp, nonce };
  if (wrong('form')) {
    const name = dice.pick(Object.keys(payload));
    if (dice.once(2)) payload[name] = gone;
    else payload[dice.pick(['role', 'key', 'device', 'AUD', 'owners'])] = true;
    faults.push('of another form');
  }
  return {
    payload: Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== gone)),
    how: faults.join(', '),
  };
}

/** A rightful pair of owner and device whose key the attacker does not have. */
interface Wanted {
  readonly owner: Victim;
  readonly device: TestDevice;
  readonly door: Door;
}

function wantedOf({ people: { ada, cem, dora }, open, ticket, list }: Scene): Wanted[] {
  const places: [Victim, readonly Door[]][] = [
    [ada, [open, ticket, list]],
    [cem, [open, list]],
    [dora, [open, ticket]],
  ];
  return places.flatMap(([owner, doors]) =>
    owner.devices.flatMap((device) => doors.map((door) => ({ owner, device, door }))),
  );
}

/** Signatures over the right `hello` that are none of the device's. */
const badSignatures: Readonly<Record<string, (dice: Dice, hand: Signer) => Pick<Signer, 'sign'>>> = {
  'by another key': (_dice, hand) => hand,
  empty: () => ({ sign: () => new Uint8Array(0) }),
  'of zeros': () => ({ sign: () => new Uint8Array(64) }),
  random: ({ bytes }) => ({ sign: () => bytes(64) }),
  'by another key, and the curve identity as R': (_dice, hand) => ({
    async sign(message) {
      const signature = (await hand.sign(message)).slice();
      signature.fill(0, 0, 32);
      signature[0] = 1;
      return signature;
    },
  }),
};

/** `pass`: a ticket that admits any new owner. */
export async function helloArsenal(scene: Scene, pass: string): Promise<Arsenal> {
  const { people, open, ticket, list } = scene;
  const wanted = wantedOf(scene);
  const chains = new Map([people.ada, people.cem, people.dora].map((owner) => [owner, membershipOf(owner)]));
  const genuine = new Map<Wanted, string>();
  for (const each of wanted) genuine.set(each, await each.door.hello(each.device.signer, { owner: each.owner.id }));
  const attempt = ({ owner, door }: Wanted, hello: string, how: string): Attempt => ({
    door,
    proof: proofOf(scene, hello, { chain: chains.get(owner)!, ticket: door === ticket ? pass : '' }),
    how,
  });
  return {
    async 'hellos spoiled'(dice) {
      const one = dice.pick(wanted);
      const other = genuine.get(dice.pick(wanted.filter(({ device }) => device !== one.device)))!;
      const { text, how } = await spoil({ dice, good: genuine.get(one)!, other, stranger: dice.pick(people.hands) });
      return attempt(one, text, how);
    },
    async 'hellos with a wrong member'(dice) {
      // Signed by the very device, as if every `hello` it ever made had been captured.
      const device = dice.pick(people.ada.devices);
      const door = dice.pick([open, ticket, list]);
      const { payload, how } = wrongPayload(dice, scene, door);
      const hello = await compact(headerOf('hello', device.did), payload, device.signer);
      return attempt({ owner: people.ada, device, door }, hello, how);
    },
    async 'hellos signed by another key'(dice) {
      const one = dice.pick(wanted);
      const [, payload = ''] = genuine.get(one)!.split('.');
      const hand = dice.pick(people.hands);
      const how = dice.pick(Object.keys(badSignatures));
      const signer = badSignatures[how]!(dice, hand);
      const said = JSON.parse(Buffer.from(payload, 'base64url').toString());
      return attempt(one, await compact(headerOf('hello', one.device.did), said, signer), how);
    },
    async 'hellos in the name of another key'(dice) {
      // Everything is right but who it is: a key that no statement of this owner names.
      const one = dice.pick(wanted);
      const strangers = people.hands.filter(({ did }) => did !== people.taken.did);
      const hand = dice.pick(strangers);
      return attempt(one, await one.door.hello(hand, { owner: one.owner.id }), `by ${hand.did}`);
    },
    async 'hellos that are another statement'(dice) {
      const one = dice.pick(wanted);
      const kind = dice.pick(kinds.filter((each) => each !== 'hello'));
      const [, payload = ''] = genuine.get(one)!.split('.');
      const said = JSON.parse(Buffer.from(payload, 'base64url').toString());
      const hello = await compact(headerOf(kind, one.device.did), said, one.device.signer);
      return attempt(one, dice.once(3) ? dice.pick(chains.get(one.owner)!) : hello, kind);
    },
  };
}
