import type { BoxDid, ChainKind, Did, Verified } from '@caponier/protocol';

/** What a chain says at one point: plain data, never changed in place. */

type Facts<K extends ChainKind> = Verified<K>['payload'];

/** `id` is the statement that said so, `seq` its place: a later removal counts, an earlier one does not. */
interface Said {
  readonly id: string;
  readonly seq: number;
}

export interface Roots extends Said, Pick<Facts<'owner'>, 'keys' | 'k' | 'recovery' | 'quorum'> {
  /** True after the first `rotate`: from then on the everyday root never rotates again. */
  readonly rotated: boolean;
}

export type Trust = Said &
  Pick<Facts<'trust'>, 'operators' | 'log' | 'broker' | 'gate' | 'workers' | 'witnesses' | 'k' | 'relays'>;

export interface Device extends Said {
  readonly did: Did;
  readonly box: BoxDid;
  readonly role: 'controller' | 'member';
  readonly name: string;
}

export interface Approver extends Said {
  readonly key: Did;
  readonly name: string;
  readonly passkey: Facts<'approver'>['passkey'];
}

export type Grant = Said &
  Pick<
    Facts<'grant'>,
    'label' | 'to' | 'decides' | 'class' | 'ops' | 'resources' | 'purpose' | 'ceilings' | 'approvals' | 'exp'
  >;

export interface Policy extends Said {
  readonly name: string;
  readonly body: Facts<'policy'>['body'];
}

export interface Epoch extends Said {
  readonly class: string;
  readonly n: number;
}

/** Who may have lifted a freeze: the recovery key, or approvers beside the root. */
export interface Thaw {
  readonly recovery: boolean;
  readonly by: readonly Did[];
}

export interface State {
  readonly roots: Roots;
  readonly trust: Trust | null;
  readonly devices: ReadonlyMap<string, Device>;
  readonly approvers: ReadonlyMap<string, Approver>;
  readonly grants: ReadonlyMap<string, Grant>;
  readonly policy: Policy | null;
  readonly epochs: ReadonlyMap<string, Epoch>;
  /** By id of the freeze, which need not be known here. */
  readonly thaws: ReadonlyMap<string, Thaw>;
  /** What was revoked, so that a refusal can say so instead of `not known`. */
  readonly formerDevices: ReadonlyMap<string, Device>;
  readonly formerGrants: ReadonlyMap<string, Grant>;
}

export function startState(roots: Roots): State {
  const none = new Map<string, never>();
  return Object.freeze({
    roots,
    trust: null,
    devices: none,
    approvers: none,
    grants: none,
    policy: null,
    epochs: none,
    thaws: none,
    formerDevices: none,
    formerGrants: none,
  });
}

export function withEntry<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}

export function withoutEntry<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  const copy = new Map(map);
  copy.delete(key);
  return copy;
}
