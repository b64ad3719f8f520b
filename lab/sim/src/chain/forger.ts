import { toBase64url } from '@caponier/crypto';
import { type Did, type Payload, sign, type Verified, verifyStatement } from '@caponier/protocol';
import { type LaterKind, type Members, type OwnerView, signCosign } from '@caponier/verify';
import type { Dice } from '../dice.ts';
import type { Signatures } from './model.ts';
import type { People } from './people.ts';
import type { Said } from './said.ts';

/** Signs what is said with any keys at all, at the right place in the chain or at a wrong one. */

export interface Forged {
  readonly statement: Verified<LaterKind>;
  readonly cosigns: readonly Verified<'cosign'>[];
  /** The signatures that count. */
  readonly signatures: Signatures;
  /** What is wrong about its place; null where it is right. */
  readonly misplaced: string | null;
}

const seconds = 1_800_000_000;

type Place = Pick<Payload<'policy'>, 'owner' | 'seq' | 'prev' | 'view'>;

const misplacements: readonly ((place: Place, dice: Dice) => [what: string, place: Place])[] = [
  (place) => ['a place too far', { ...place, seq: place.seq + 1 }],
  (place) => ['a place that is taken', { ...place, seq: Math.max(1, place.seq - 1) }],
  (place, { bytes }) => ['after another statement', { ...place, prev: toBase64url(bytes(32)) }],
  (place, { bytes }) => ['for another owner', { ...place, owner: toBase64url(bytes(32)) }],
  (place, { bytes }) => ['another view', { ...place, view: toBase64url(bytes(32)) }],
];

/** The right view where there is one: what contradicts the chain has none. */
function viewAfter(view: OwnerView, { kind, members }: Said): string {
  try {
    return view.nextView(kind, members as Members<'policy'>);
  } catch {
    return view.head;
  }
}

export async function forge(
  dice: Dice,
  people: People,
  view: OwnerView,
  said: Said,
  { by, cosigned }: Signatures,
): Promise<Forged> {
  let place: Place = { owner: view.id, seq: view.seq + 1, prev: view.head, view: viewAfter(view, said) };
  let misplaced: string | null = null;
  // The first statement of all leaves no place before it: there seq - 1 is no place of a later one.
  if (dice.once(8))
    [misplaced, place] = dice.pick(misplacements.filter((_, i) => i !== 1 || view.seq > 0))(place, dice);
  const { owner, seq, prev, view: root } = place;
  const payload = { owner, seq, prev, iat: seconds, ...said.members, view: root } as unknown as Payload<LaterKind>;
  const jws = await sign(people.signer(by), said.kind, payload);
  const statement = verifyStatement(jws, said.kind) as unknown as Verified<LaterKind>;
  const pen = { random: dice.bytes, clock: () => seconds * 1000 };
  // Cosigns of another statement travel along and must count for nothing.
  const astray = dice.once(6);
  const of = astray ? view.head : statement.id;
  const cosigns = await Promise.all(
    cosigned.map((did) => signCosign({ ...pen, signer: people.signer(did) }, view.id, of)),
  );
  return { statement, cosigns, misplaced, signatures: { by, cosigned: astray ? [] : cosigned } };
}

export async function freezeBy(dice: Dice, people: People, owner: string, by: Did): Promise<Verified<'freeze'>> {
  const target = dice.once(5) ? null : dice.pick(people.devices).did;
  const payload: Payload<'freeze'> = {
    aud: owner,
    what: target === null ? 'all' : 'device',
    target,
    iat: seconds,
    nonce: toBase64url(dice.bytes(16)),
  };
  return verifyStatement(await sign(people.signer(by), 'freeze', payload), 'freeze');
}
