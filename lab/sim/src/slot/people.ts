import { leafClassOf, type Payload, type Signer } from '@caponier/protocol';
import {
  enrolment,
  type ManualClock,
  makeDevice,
  makeOwner,
  seededRandom,
  type TestDevice,
  type TestOwner,
  testGrant,
  testSigner,
} from '@caponier/testkit';
import { type LaterKind, OwnerChain, type OwnerView, replayChain } from '@caponier/verify';

/** Whose slots are wanted, and whose keys the attacker has. */

/** An owner as far as the attack goes. */
export interface Victim {
  readonly id: string;
  readonly chain: OwnerChain;
  /** Rightful devices whose keys the attacker does not have. */
  readonly devices: readonly TestDevice[];
}

export interface People {
  /** One root, rotated since; a revoked device; statements that relays do not see in between. */
  readonly ada: Victim;
  /** Two of three roots, rotated since. */
  readonly cem: Victim;
  /** Nobody has shown this owner to any relay. */
  readonly dora: Victim;
  /** The attacker's own owner. */
  readonly mallory: TestOwner;
  /** A further owner of the attacker's, that no relay knows. */
  readonly fresh: TestOwner;
  /** The attacker's device: enrolled by `mallory` and by `fresh`, by none of the victims. */
  readonly thief: TestDevice;
  /** Revoked by ada; the attacker has its key. */
  readonly old: TestDevice;
  /** Revoked by dora. */
  readonly lost: TestDevice;
  /** A member of ada's that the attacker has taken over: it may have its own slot and no other. */
  readonly taken: TestDevice;
  /** ada's root before the rotation, and cem's roots that are in force no more; one of cem's is still. */
  readonly formerRoot: Signer;
  readonly formerRoots: readonly Signer[];
  readonly oneOfTwo: Signer;
  /** Every key that the attacker has. */
  readonly hands: readonly Signer[];
}

/** What a relay that follows the registry knows of an owner: of statements that it does not see, their ids alone. */
export function asRelaySees({ chain }: { readonly chain: OwnerChain }): OwnerView {
  const entries = chain.signed.map(({ statement: { id, jws, kind, payload }, cosigns }) => ({
    id,
    ...(leafClassOf(kind, payload as Payload<LaterKind>) === 'membership' && {
      statement: jws,
      cosigns: cosigns.map((cosign) => cosign.jws),
    }),
  }));
  return replayChain(entries, 'membership');
}

/** The relay's part of an owner's chain: membership statements, cosigns beside them. */
export function membershipOf({ chain }: { readonly chain: OwnerChain }, end = Number.POSITIVE_INFINITY): string[] {
  return chain.signed
    .slice(0, end)
    .filter(({ statement }) => leafClassOf(statement.kind, statement.payload as Payload<LaterKind>) === 'membership')
    .flatMap(({ statement, cosigns }) => [statement.jws, ...cosigns.map(({ jws }) => jws)]);
}

const hidden = (n: number) => testGrant({ label: `hidden ${n}` });

/** A chain with a root that was rotated out, a revoked device, and hidden statements before and after. */
async function withPast(owner: TestOwner, lost: TestDevice, before: () => Promise<void> = async () => {}) {
  const { chain, seed } = owner;
  await chain.add('enroll', enrolment(lost));
  await before();
  await chain.add('grant', hidden(1));
  await chain.add('revoke', { what: 'device', target: lost.did });
  await chain.add('grant', hidden(2));
  const root = testSigner(`${seed} second root`);
  const recovery = testSigner(`${seed} second recovery`);
  const roots = { keys: [root.did], k: 1, recovery: recovery.did, quorum: { keys: [], k: 0 } };
  await chain.add('rotate', roots, { signer: owner.recovery });
  await chain.add('grant', hidden(3), { signer: root });
}

async function makeCem(seed: string, clock: ManualClock) {
  const roots = [1, 2, 3, 4, 5].map((n) => testSigner(`${seed} cem root ${n}`)) as [
    Signer,
    Signer,
    Signer,
    Signer,
    Signer,
  ];
  const recovery = testSigner(`${seed} cem recovery`);
  const pen = { signer: roots[0], cosigners: [roots[1]], random: seededRandom(`${seed} cem`), clock };
  const keys = roots.slice(0, 3).map(({ did }) => did);
  const chain = await OwnerChain.begin(pen, { keys, k: 2, recovery: recovery.did });
  const device = makeDevice(`${seed} cem`, 'laptop', 'controller');
  await chain.add('enroll', enrolment(device));
  await chain.add('grant', hidden(1));
  const next = { keys: [roots[0].did, roots[3].did, roots[4].did], k: 2, recovery: recovery.did };
  await chain.add('rotate', { ...next, quorum: { keys: [], k: 0 } }, { signer: recovery, cosigners: [] });
  await chain.add('grant', hidden(2), { cosigners: [roots[3]] });
  return { victim: { id: chain.view.id, chain, devices: [device] }, former: roots.slice(1, 3), current: roots[0] };
}

/** Everybody, from the seed alone. `adaBefore` is called while `old` is still a device of ada's. */
export async function gather(
  seed: string,
  clock: ManualClock,
  adaBefore: (ada: TestOwner, old: TestDevice) => Promise<void>,
): Promise<People> {
  const [ada, dora, mallory, fresh] = (await Promise.all(
    ['ada', 'dora', 'mallory', 'fresh'].map((name) => makeOwner(`${seed} ${name}`, { clock })),
  )) as [TestOwner, TestOwner, TestOwner, TestOwner];
  const thief = makeDevice(`${seed} thief`, 'thief', 'controller');
  for (const owner of [mallory, fresh]) await owner.chain.add('enroll', enrolment(thief));
  const old = makeDevice(`${seed} ada`, 'old', 'controller');
  const lost = makeDevice(`${seed} dora`, 'lost', 'controller');
  await withPast(ada, old, () => adaBefore(ada, old));
  await withPast(dora, lost);
  const cem = await makeCem(seed, clock);
  const services = ({ broker, gate, workers, relay, registry, witness, operator }: TestOwner) => [
    broker,
    gate,
    ...Object.values(workers),
    relay,
    registry,
    witness,
    operator,
  ];
  const signers = ({ laptop, box, phone }: TestOwner) => [laptop, box, phone].map(({ signer }) => signer);
  return {
    ada: { id: ada.id, chain: ada.chain, devices: [ada.laptop, ada.phone] },
    cem: cem.victim,
    dora: { id: dora.id, chain: dora.chain, devices: [dora.laptop, dora.phone] },
    mallory,
    fresh,
    thief,
    old,
    lost,
    taken: ada.box,
    formerRoot: ada.root,
    formerRoots: cem.former,
    oneOfTwo: cem.current,
    hands: [
      thief.signer,
      old.signer,
      lost.signer,
      ada.box.signer,
      ada.root,
      ada.recovery,
      ...services(ada),
      ...services(dora),
      dora.root,
      dora.recovery,
      mallory.root,
      mallory.recovery,
      ...signers(mallory),
      ...services(mallory),
      cem.current,
      ...cem.former,
    ],
  };
}
