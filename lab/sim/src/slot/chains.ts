import { toBase64url } from '@caponier/crypto';
import { idOf, leafClassOf, type Payload, type Signer, sign, type Verified } from '@caponier/protocol';
import { enrolment, type TestDevice } from '@caponier/testkit';
import type { Dice } from '../dice.ts';
import { spoil } from '../mutate.ts';
import type { Arsenal, Attempt } from './attempt.ts';
import { compact, cosignOf, headerOf, hiddenSpots, placed } from './forge.ts';
import { membershipOf, type Victim } from './people.ts';
import { type Door, proofOf, type Scene } from './scene.ts';

/** Attempts with a good `hello` of the attacker's own device, and a chain that is to make it somebody's. */

interface Shown {
  readonly door: Door;
  readonly device: TestDevice;
  readonly owner: string;
  readonly chain: readonly string[];
  readonly how: string;
}

const isHidden = (kind: Parameters<typeof leafClassOf>[0], payload: Parameters<typeof leafClassOf>[1]) =>
  leafClassOf(kind, payload) === 'private';

/** Where a forged statement may stand: after all others, in place of one, where relays see nothing, or beyond. */
function spotsOf({ chain }: Victim) {
  const { seq, head } = chain.view;
  const taken = chain.signed.slice(1).map(({ statement }) => statement.payload as { seq: number; prev: string });
  return [
    { seq: seq + 1, prev: head },
    { seq: seq + 2, prev: head },
    { seq: 1_000_000, prev: head },
    ...hiddenSpots(chain.signed, isHidden),
    ...taken.slice(0, 3).map(({ seq: at, prev }) => ({ seq: at, prev })),
  ];
}

/** `pass`: a ticket that admits any new owner. */
export function chainArsenal(scene: Scene, pass: string): Arsenal {
  const { people, open, ticket, list } = scene;
  const { ada, cem, dora, mallory, fresh, thief, hands } = people;
  const places: readonly (readonly [Victim, Door])[] = [
    [ada, open],
    [ada, ticket],
    [ada, list],
    [cem, open],
    [cem, list],
  ];
  // An owner that is new to a relay costs it a check of every statement: tried, but not as often.
  const newPlaces = [
    [dora, open],
    [dora, ticket],
  ] as const;
  const placeOf = (dice: Dice) => dice.pick(dice.once(8) ? newPlaces : places);
  const hellos = new Map<string, string>();
  const helloOf = async (door: Door, { signer }: TestDevice, owner: string) => {
    const key = `${door.did} ${signer.did} ${owner}`;
    const made = hellos.get(key) ?? (await door.hello(signer, { owner }));
    hellos.set(key, made);
    return made;
  };
  const attempt = async ({ door, device, owner, chain, how }: Shown): Promise<Attempt> => ({
    door,
    // Admission is not what stops it.
    proof: proofOf(scene, await helloOf(door, device, owner), { chain, ticket: door === ticket ? pass : '' }),
    how,
  });
  return {
    'chains without the enrolment': (dice) => {
      const [owner, door] = placeOf(dice);
      const whole = membershipOf(owner);
      // The first statement has to be there; of the others some, in their order or in none.
      const some = dice.once(2) ? whole : [whole[0]!, ...dice.some(whole.slice(1))];
      const chain = dice.once(4) ? some.toSorted(() => dice.below(3) - 1) : some;
      return attempt({ door, device: thief, owner: owner.id, chain, how: `${chain.length} statements` });
    },
    'chains from before the revocation': (dice) => {
      const isAda = !dice.once(8);
      const [owner, device] = isAda ? [ada, people.old] : [dora, people.lost];
      // Without a reader of the registry a relay knows what it was shown; of dora it was shown nothing.
      const door = isAda ? dice.pick([open, ticket, list]) : ticket;
      const whole = membershipOf(owner);
      const revoked = owner.chain.signed.findIndex(({ statement }) => statement.kind === 'revoke');
      const before = membershipOf(owner, revoked);
      const without = whole.filter((jws) => jws !== owner.chain.signed[revoked]!.statement.jws);
      const chain = dice.pick([whole, before, without, before.slice(0, -1), [...without, ...before.slice(0, 1)]]);
      return attempt({ door, device, owner: owner.id, chain, how: `${chain.length} statements` });
    },
    'chains spliced with those of another owner': (dice) => {
      const [owner, door] = placeOf(dice);
      const mine = membershipOf(mallory);
      const theirs = membershipOf(owner);
      const cut = 1 + dice.below(theirs.length);
      const chain = dice.pick([
        [...theirs, ...mine.slice(1)],
        [...theirs, ...mine],
        [...theirs.slice(0, cut), ...mine.slice(-1)],
        [...mine, ...theirs],
        mine,
        [...mine.slice(0, 1), ...theirs.slice(1)],
      ]);
      return attempt({ door, device: thief, owner: owner.id, chain, how: `cut at ${cut}` });
    },
    'chains with a statement spoiled': async (dice) => {
      // The attacker's own chain is good, and shown for the first time: a single spoiled letter must cost it the slot.
      const whole = membershipOf(fresh);
      const at = dice.below(whole.length);
      const good = whole[at]!;
      const other = dice.pick(whole.filter((jws) => jws !== good));
      const { text, how } = await spoil({ dice, good, other, stranger: dice.pick(hands) });
      const isOwn = dice.once(4);
      const [owner, door] = placeOf(dice);
      const chain = isOwn ? whole.with(at, text) : [...membershipOf(owner), text];
      return attempt({ door: isOwn ? open : door, device: thief, owner: isOwn ? fresh.id : owner.id, chain, how });
    },
    'enrolments forged': async (dice) => attempt(await forgedEnrolment(dice, scene)),
    'enrolments with too few signatures': async (dice) => attempt(await tooFewSignatures(dice, scene)),
    'owners made up': async (dice) => attempt(await madeUp(dice, scene)),
  };
}

/** An enrolment of the thief in a victim's chain: by any key in hand, at any kind of place. */
async function forgedEnrolment(dice: Dice, { people, open, ticket, list, clock }: Scene): Promise<Shown> {
  const { ada, cem, dora, thief, hands } = people;
  // A relay that was shown nothing of an owner can be shown an old part of it, unless it follows the registry.
  const [owner, doors] = dice.once(8)
    ? ([dora, [ticket]] as const)
    : dice.pick([
        [ada, [open, ticket, list]],
        [cem, [open, list]],
      ] as const);
  const known = membershipOf(owner);
  const hand = dice.pick(hands);
  const spot = dice.pick(spotsOf(owner));
  const jws = await placed(owner.chain.view, spot, 'enroll', enrolment(thief), hand, clock.seconds());
  const chain = dice.once(2) ? [...known, jws] : [known[0]!, jws];
  return { door: dice.pick<Door>(doors), device: thief, owner: owner.id, chain, how: `at ${spot.seq} by ${hand.did}` };
}

/** cem's roots are two of three: one of them, with whatever beside it, is not enough. */
async function tooFewSignatures(dice: Dice, { people, open, list, clock }: Scene): Promise<Shown> {
  const { cem, thief, hands, oneOfTwo, formerRoots } = people;
  const seconds = clock.seconds();
  const spot = dice.pick(spotsOf(cem));
  const by = dice.pick([oneOfTwo, oneOfTwo, ...formerRoots]);
  const jws = await placed(cem.chain.view, spot, 'enroll', enrolment(thief), by, seconds);
  const under = (signer: Signer, change = {}) => cosignOf(signer, cem.id, idOf(jws), seconds, change);
  const beside: Readonly<Record<string, () => Promise<readonly string[]>>> = {
    'by one root': async () => [],
    'by one root, twice': async () => [await under(by)],
    'by one root, three times': async () => [await under(by), await under(by, { iat: seconds - 1 })],
    'with another key': async () => [await under(dice.pick(hands))],
    'with everything in hand': () => Promise.all([oneOfTwo, ...formerRoots].map((root) => under(root))),
    // Genuine signatures of the other roots are there, under other statements.
    'with the cosigns of others': async () =>
      cem.chain.signed.flatMap(({ cosigns }) => cosigns.map((each) => each.jws)),
    'with a cosign that had expired': async () => [await under(dice.pick(formerRoots), { exp: seconds - 1 })],
  };
  const how = dice.pick(Object.keys(beside));
  const chain = [...membershipOf(cem), jws, ...(await beside[how]!())];
  return { door: dice.pick([open, list]), device: thief, owner: cem.id, chain, how: `${how}, at ${spot.seq}` };
}

/** A first statement that looks like the victim's, with whatever follows from it. */
async function madeUp(dice: Dice, { people, open, ticket, clock }: Scene): Promise<Shown> {
  const { ada, cem, dora, thief } = people;
  const owner = dice.once(8) ? dora : dice.pick([ada, cem]);
  const genuine = owner.chain.signed[0]!.statement as unknown as Verified<'owner'>;
  const payload = genuine.payload as Payload<'owner'>;
  // The root itself would make the same statement again: Ed25519 signs the same bytes the same way.
  const hand = dice.pick(people.hands.filter(({ did }) => !payload.keys.includes(did)));
  const first = await dice.pick([
    () => sign(hand, 'owner', { ...payload, keys: [hand.did], k: 1 }),
    () => sign(hand, 'owner', payload),
    () => compact(headerOf('owner', genuine.kid), payload, hand),
  ])();
  const facts = { seq: 1, prev: idOf(first), iat: clock.seconds(), ...enrolment(thief) };
  const view = toBase64url(dice.bytes(32));
  const next = await sign(hand, 'enroll', { owner: dice.pick([idOf(first), owner.id]), ...facts, view });
  const rest = membershipOf(owner).slice(1);
  const chain = dice.pick([
    [first, next],
    [first, ...rest, next],
    [...rest, first, next],
  ]);
  return { door: dice.pick([open, ticket]), device: thief, owner: owner.id, chain, how: `by ${hand.did}` };
}
