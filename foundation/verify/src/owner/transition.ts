import { type ChainKind, fail, isDid, type Payload, type Verified } from '@caponier/protocol';
import { checkRoots } from './authority.ts';
import { type State, type Thaw, withEntry, withoutEntry } from './state.ts';

/** What each kind does to the state of a chain. Authority is judged elsewhere; contradictions are `owner.conflict`. */

type Facts<K extends ChainKind> = Omit<Verified<K>['payload'], 'view'>;
/** Id and place of the statement; while it is being made its id is not known, and `''` stands for it. */
interface Place {
  readonly id: string;
  readonly seq: number;
}
type Step<K extends ChainKind> = (state: State, facts: Facts<K>, place: Place, thaw: Thaw) => State;

const conflict = (detail: string) => fail('owner.conflict', detail);

const trust: Step<'trust'> = (state, facts, place) => {
  const { operators, log, broker, gate, workers, witnesses, k, relays } = facts;
  const services = [
    log.key,
    ...broker,
    ...gate,
    ...workers.flatMap((w) => w.keys),
    ...witnesses.map((w) => w.key),
    ...relays,
  ];
  // One key in two places would let one part act as the other, which is the promise broken (design section 1).
  if (new Set(services).size !== services.length) throw conflict('one key for two services');
  if (new Set(workers.map((w) => w.class)).size !== workers.length) throw conflict('a class named twice');
  if (k > witnesses.length) throw conflict('more witnesses demanded than named');
  return { ...state, trust: { ...place, operators, log, broker, gate, workers, witnesses, k, relays } };
};

const enroll: Step<'enroll'> = (state, facts, place) => {
  const { device: did, box, role, name } = facts;
  if (state.devices.has(did)) throw conflict('device is enrolled');
  for (const other of state.devices.values()) if (other.name === name) throw conflict('device name is taken');
  return {
    ...state,
    devices: withEntry(state.devices, did, { ...place, did, box, role, name }),
    formerDevices: withoutEntry(state.formerDevices, did),
  };
};

const revoke: Step<'revoke'> = (state, { what, target }) => {
  if (what === 'device') {
    const device = state.devices.get(target);
    if (!device) throw conflict('no such device');
    return {
      ...state,
      devices: withoutEntry(state.devices, target),
      formerDevices: withEntry(state.formerDevices, target, device),
      // A lost device that may still say yes is not lost.
      approvers: withoutEntry(state.approvers, target),
    };
  }
  if (what === 'approver') {
    if (!state.approvers.has(target)) throw conflict('no such approver');
    return { ...state, approvers: withoutEntry(state.approvers, target) };
  }
  const grant = state.grants.get(target);
  if (!grant) throw conflict('no such grant');
  return {
    ...state,
    grants: withoutEntry(state.grants, target),
    formerGrants: withEntry(state.formerGrants, target, grant),
  };
};

const grant: Step<'grant'> = (state, facts, place) => {
  const { label, to, decides, class: of, ops, resources, purpose, ceilings, approvals, exp } = facts;
  if (to.agents.length + to.devices.length === 0) throw conflict('a grant to nobody');
  if (to.owner === facts.owner) throw conflict('the owner itself is written as null');
  if (new Set(ceilings.map((c) => c.per)).size !== ceilings.length) throw conflict('two ceilings for one period');
  const { k, from } = approvals;
  if (new Set(from).size !== from.length || (from.length > 0 && from.length < k)) throw conflict('approvals');
  const said = { ...place, label, to, decides, class: of, ops, resources, purpose, ceilings, approvals, exp };
  return { ...state, grants: withEntry(state.grants, place.id, said) };
};

const approver: Step<'approver'> = (state, { key, name, passkey }, place) => {
  if (state.approvers.has(key)) throw conflict('approver is named');
  for (const other of state.approvers.values()) if (other.name === name) throw conflict('approver name is taken');
  if (passkey !== null && !isDid(key, 'p256')) throw conflict('a passkey signs with P-256');
  if (isDid(key, 'ed25519') && !state.devices.has(key)) throw conflict('not a passkey, and not a device');
  return { ...state, approvers: withEntry(state.approvers, key, { ...place, key, name, passkey }) };
};

const policy: Step<'policy'> = (state, { name, body }, place) => ({ ...state, policy: { ...place, name, body } });

const epoch: Step<'epoch'> = (state, facts, place) => {
  const { class: of, n } = facts;
  if (n <= (state.epochs.get(of)?.n ?? 0)) throw conflict('epochs count up');
  return { ...state, epochs: withEntry(state.epochs, of, { ...place, class: of, n }) };
};

const thaw: Step<'thaw'> = (state, { freezes }, _place, by) => {
  const thaws = new Map(state.thaws);
  for (const freeze of freezes) {
    const before = thaws.get(freeze);
    thaws.set(freeze, {
      recovery: by.recovery || (before?.recovery ?? false),
      by: [...(before?.by ?? []), ...by.by],
    });
  }
  return { ...state, thaws };
};

const rotate: Step<'rotate'> = (state, { keys, k, recovery, quorum }, place) => {
  checkRoots({ keys, k, recovery, quorum });
  // Without either, nobody could ever rotate again.
  if (recovery === null && quorum.k === 0) throw conflict('neither recovery key nor quorum');
  return { ...state, roots: { ...place, keys, k, recovery, quorum, rotated: true } };
};

const steps: { readonly [K in Exclude<ChainKind, 'owner'>]: Step<K> } = {
  trust,
  enroll,
  revoke,
  grant,
  approver,
  policy,
  epoch,
  thaw,
  rotate,
};

/** The state after a statement. Throws `owner.conflict`. `by`: who lifts, for a `thaw`. */
export function transition<K extends Exclude<ChainKind, 'owner'>>(
  state: State,
  kind: K,
  facts: Omit<Payload<K>, 'view'> | Facts<K>,
  place: Place,
  by: Thaw,
): State {
  return Object.freeze((steps[kind] as Step<ChainKind>)(state, facts as Facts<ChainKind>, place, by));
}
