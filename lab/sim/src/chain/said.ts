import { utf8 } from '@caponier/crypto';
import { digestBody } from '@caponier/protocol';
import { testGrant } from '@caponier/testkit';
import type { LaterKind, Members } from '@caponier/verify';
import type { Dice } from '../dice.ts';
import type { Model } from './model.ts';
import type { People } from './people.ts';

/** Something to say in a chain: often sensible, sometimes a contradiction. */

export interface Said {
  readonly kind: LaterKind;
  readonly members: Members<LaterKind>;
}

type Maker = (dice: Dice, people: People, model: Model) => Members<LaterKind>;

const enroll: Maker = (dice, { devices }): Members<'enroll'> => {
  const { did, box, role, name } = dice.pick(devices);
  return { device: did, box, role, name: dice.once(8) ? dice.pick(devices).name : name };
};

const approver: Maker = (dice, { devices, passkeys }): Members<'approver'> => {
  const name = dice.pick(['phone', 'key', 'watch']);
  if (dice.once(3)) {
    const { did, terms } = dice.pick(passkeys);
    return { key: did, name, passkey: terms };
  }
  return { key: dice.pick(devices).did, name, passkey: null };
};

const revoke: Maker = (dice, people, model): Members<'revoke'> => {
  const what = dice.pick(['device', 'approver', 'grant'] as const);
  if (what === 'grant') return { what, target: dice.pick([...model.grants, people.others[0]!.did]) };
  const known = what === 'device' ? model.devices : model.approvers;
  return { what, target: dice.pick([...known.keys(), dice.pick(people.devices).did]) as Members<'revoke'>['target'] };
};

const grant: Maker = (dice, { devices }): Members<'grant'> =>
  testGrant({
    label: `grant ${dice.below(1000)}`,
    decides: dice.pick(['broker', 'gate']),
    to: { owner: null, agents: [`*@${dice.pick(devices).name}`], devices: [] },
  });

const epoch: Maker = (dice): Members<'epoch'> => ({ class: dice.pick(['secret', 'memory']), n: 1 + dice.below(12) });

const policy: Maker = (dice): Members<'policy'> => ({
  name: `policy-${dice.below(100)}`,
  body: digestBody(utf8(`policy ${dice.below(100)}`), dice.bytes),
});

const trust: Maker = (dice, { others }): Members<'trust'> => {
  const [broker, gate, registry, witness] = others.map(({ did }) => did) as [string, string, string, string];
  const members = {
    operators: [],
    log: { origin: 'log.example', key: registry },
    broker: [broker],
    gate: [dice.once(6) ? broker : gate],
    workers: [],
    witnesses: [{ name: 'witness.example', key: witness }],
    k: dice.below(2),
    relays: [],
  };
  return members as unknown as Members<'trust'>;
};

const rotate: Maker = (dice, { hands }, { roots }): Members<'rotate'> => {
  const mixed = hands.toSorted(() => dice.below(3) - 1).map(({ did }) => did);
  const quorum = dice.once(2) ? { keys: mixed.slice(4, 6), k: 1 + dice.below(2) } : { keys: [], k: 0 };
  const recovery = dice.once(6) ? null : mixed[3]!;
  // Now and then what the everyday root may say once: a recovery key, and nothing else.
  const keys = dice.once(3) ? [...roots.keys] : mixed.slice(0, 1 + dice.below(3));
  const k = String(keys) === String(roots.keys) && !dice.once(4) ? roots.k : 1 + dice.below(keys.length);
  return { keys, k, recovery: recovery as Members<'rotate'>['recovery'], quorum } as Members<'rotate'>;
};

const thaw: Maker = (dice, _people, model): Members<'thaw'> => {
  const known = [...model.freezes.keys(), ...model.unseen.keys()];
  const freezes = known.length > 0 ? dice.some(known).slice(0, 8) : [];
  return { freezes: freezes.length > 0 ? freezes : [known[0] ?? 'A'.repeat(43)] };
};

const makers: Readonly<Record<LaterKind, Maker>> = {
  enroll,
  approver,
  revoke,
  grant,
  epoch,
  policy,
  trust,
  rotate,
  thaw,
};
const laterKinds = Object.keys(makers) as LaterKind[];

export function somethingToSay(dice: Dice, people: People, model: Model): Said {
  const kind = dice.pick(laterKinds);
  return { kind, members: makers[kind](dice, people, model) };
}
