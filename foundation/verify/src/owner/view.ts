import { toBase64url } from '@caponier/crypto';
import {
  type ChainKind,
  chainKinds,
  type Did,
  fail,
  leafClassOf,
  type Payload,
  type Verified,
} from '@caponier/protocol';
import { checkRoots, demandAuthority, demandRoots, thawApprovers } from './authority.ts';
import { checkFreeze, type Freezes, freezeOf, freezesInForce } from './freezes.ts';
import { idsInForce, type MemberProof, proveAmong, rootOverIds } from './membership.ts';
import { addRemoval, isRemoved, type Removals, settleRemovals } from './removals.ts';
import type { Approver, Device, Epoch, Grant, Policy, Roots, State, Trust } from './state.ts';
import { startState } from './state.ts';
import { transition } from './transition.ts';

/** `full` readers see every statement; `membership` readers (relays) know private ones by place and id alone. */
export type ViewMode = 'full' | 'membership';

export type LaterKind = Exclude<ChainKind, 'owner'>;
type Cosigns = readonly Verified<'cosign'>[];

/** Members of a payload without the place that the chain gives it. */
export type Members<K extends LaterKind> = Omit<Payload<K>, 'owner' | 'seq' | 'prev' | 'iat' | 'view'>;

/** A device of the class `device` is its own worker: a guest's shell or file goes through the same checks as a secret. */
export const deviceClass = 'device';

/** Private places that a membership reader remembers between two statements it sees; a day's quota fits four times. */
const maxPrivatePlaces = 4096;

interface Parts {
  readonly id: string;
  readonly mode: ViewMode;
  readonly seq: number;
  readonly head: string;
  readonly state: State;
  readonly freezes: Freezes;
  readonly removals: Removals;
  /** `seq id` of the private statements after the last one seen: any of them may be a predecessor. */
  readonly hidden: ReadonlySet<string>;
}

const onlyHere = Symbol('view');
let make: (parts: Parts) => OwnerView;

/**
 * What an owner's chain says, at one point of it. Immutable: applying a statement gives a new view or a coded error.
 *
 * It is made of verified statements alone, so nobody in the middle has to be believed; how old it is, is for the follower
 * of the log to say (`DatedView`).
 */
export class OwnerView {
  readonly #parts: Parts;

  static {
    make = (parts) => new OwnerView(onlyHere, parts);
  }

  private constructor(proof: typeof onlyHere, parts: Parts) {
    if (proof !== onlyHere) throw fail('host.internal', 'OwnerView is made of statements only');
    this.#parts = parts;
    Object.freeze(this);
  }

  /** Throws `owner.not_authorised`, `owner.not_enough_signatures`, `owner.bad_view`, `owner.conflict`. */
  static start(statement: Verified<'owner'>, cosigns: Cosigns = [], mode: ViewMode = 'full'): OwnerView {
    const { keys, k, recovery, quorum, view } = statement.payload;
    checkRoots({ keys, k, recovery, quorum });
    // A quorum is named by `rotate` only: whoever holds the first root alone must not be able to name it.
    if (quorum.k !== 0) throw fail('owner.conflict', 'quorum at the start');
    const roots: Roots = { id: statement.id, seq: 0, keys, k, recovery, quorum, rotated: false };
    demandRoots(roots, statement.id, statement, cosigns);
    if (view !== toBase64url(rootOverIds([]))) throw fail('owner.bad_view', 'owner');
    return new OwnerView(onlyHere, {
      id: statement.id,
      mode,
      seq: 0,
      head: statement.id,
      state: startState(roots),
      freezes: new Map(),
      removals: new Map(),
      hidden: new Set(),
    });
  }

  /**
   * The view after the next statement of the chain.
   * Throws `owner.bad_sequence`, `.bad_prev`, `.not_authorised`, `.not_enough_signatures`, `.conflict`, `.bad_view`.
   */
  apply(statement: Verified<LaterKind>, cosigns: Cosigns = []): OwnerView {
    const { id, mode, state } = this.#parts;
    const { payload } = statement;
    if (!(chainKinds as readonly string[]).includes(statement.kind)) throw fail('owner.conflict', 'not of a chain');
    if (payload.owner !== id) throw fail('owner.conflict', 'statement of another owner');
    if (mode === 'membership' && leafClassOf(statement.kind, payload as Payload<LaterKind>) === 'private')
      throw fail('owner.conflict', 'private statement for a membership reader');
    this.#checkPlace(payload);
    demandAuthority(state, id, statement, cosigns);
    const next = transition(
      state,
      statement.kind,
      payload as Payload<LaterKind>,
      { id: statement.id, seq: payload.seq },
      this.#thawOf(statement, cosigns),
    );
    if (mode === 'full' && payload.view !== viewOf(next, statement.id)) throw fail('owner.bad_view', statement.kind);
    return this.#with({
      seq: payload.seq,
      head: statement.id,
      state: next,
      removals: settleRemovals(next, this.#parts.removals),
      hidden: new Set(),
    });
  }

  #checkPlace({ seq, prev }: { readonly seq: number; readonly prev: string }): void {
    const { mode, seq: last, head, hidden } = this.#parts;
    if (mode === 'full' ? seq !== last + 1 : seq <= last) throw fail('owner.bad_sequence', `${seq} after ${last}`);
    const follows = seq === last + 1 ? prev === head : hidden.has(`${seq - 1} ${prev}`);
    if (!follows) throw fail('owner.bad_prev', `at ${seq}`);
  }

  #thawOf(statement: Verified<LaterKind>, cosigns: Cosigns) {
    if (statement.kind !== 'thaw') return { recovery: false, by: [] };
    const { id, state, freezes } = this.#parts;
    const recovery = statement.kid === state.roots.recovery;
    const approvers = thawApprovers(state, id, statement as Verified<'thaw'>, cosigns);
    // A device that stands frozen lifts nothing, neither its own freeze nor, for an accomplice, another's.
    const stopped = (did: Did) =>
      freezesInForce(state, freezes).some(({ payload }) => payload.what === 'device' && payload.target === did);
    return { recovery, by: approvers.filter((did) => !stopped(did)) };
  }

  /** For membership readers: the place of a private statement. Throws `owner.bad_sequence`, or `owner.conflict` elsewhere. */
  skipPrivate(place: { readonly seq: number; readonly id: string }): OwnerView {
    const { mode, seq, hidden } = this.#parts;
    if (mode !== 'membership') throw fail('owner.conflict', 'a full reader skips nothing');
    if (place.seq <= seq) throw fail('owner.bad_sequence', `${place.seq} after ${seq}`);
    const next = new Set(hidden).add(`${place.seq} ${place.id}`);
    for (const oldest of next) {
      if (next.size <= maxPrivatePlaces) break;
      next.delete(oldest);
    }
    return this.#with({ hidden: next });
  }

  /** The view with a revocation that the log has not shown yet. Throws as for signatures, or `owner.conflict`. */
  withRemoval(revoke: Verified<'revoke'>, cosigns: Cosigns = []): OwnerView {
    const { state, removals, id } = this.#parts;
    return this.#with({ removals: addRemoval(state, removals, id, revoke, cosigns) });
  }

  /** The view with a freeze; one that was lifted already changes nothing. Throws `owner.not_authorised`, `owner.conflict`. */
  withFreeze(freeze: Verified<'freeze'>): OwnerView {
    const { state, freezes, id } = this.#parts;
    if (freezes.has(freeze.id)) return this;
    checkFreeze(state, freezes, id, freeze);
    return this.#with({ freezes: new Map(freezes).set(freeze.id, freeze) });
  }

  /** As `withFreeze`, for a freeze this reader obeyed before: its approver may have been revoked since, which lifts nothing. */
  recallFreeze(freeze: Verified<'freeze'>): OwnerView {
    return this.#with({ freezes: new Map(this.#parts.freezes).set(freeze.id, freeze) });
  }

  #with(change: Partial<Parts>): OwnerView {
    return new OwnerView(onlyHere, { ...this.#parts, ...change });
  }

  /** The owner's id: that of its first statement. */
  get id(): string {
    return this.#parts.id;
  }
  get mode(): ViewMode {
    return this.#parts.mode;
  }
  /** Place and id of the newest statement seen: `prev` of the next. */
  get seq(): number {
    return this.#parts.seq;
  }
  get head(): string {
    return this.#parts.head;
  }
  get roots(): Roots {
    return this.#parts.state.roots;
  }
  get trust(): Trust | null {
    return this.#parts.state.trust;
  }
  get policy(): Policy | null {
    return this.#parts.state.policy;
  }

  /** An enrolled device that is not revoked. It may be frozen. */
  device(did: string): Device | undefined {
    const device = this.#parts.state.devices.get(did);
    return device && !isRemoved(this.#parts.removals, 'device', did, device) ? device : undefined;
  }
  /** A device that was enrolled once and is revoked now. */
  formerDevice(did: string): Device | undefined {
    if (this.device(did)) return undefined;
    return this.#parts.state.formerDevices.get(did) ?? this.#parts.state.devices.get(did);
  }
  deviceByName(name: string): Device | undefined {
    return this.devices().find((device) => device.name === name);
  }
  devices(): Device[] {
    return [...this.#parts.state.devices.keys()].flatMap((did) => this.device(did) ?? []);
  }
  approver(key: string): Approver | undefined {
    const approver = this.#parts.state.approvers.get(key);
    const { removals } = this.#parts;
    if (!approver || isRemoved(removals, 'approver', key, approver)) return undefined;
    return isRemoved(removals, 'device', key, approver) ? undefined : approver;
  }
  approvers(): Approver[] {
    return [...this.#parts.state.approvers.keys()].flatMap((key) => this.approver(key) ?? []);
  }
  grant(id: string): Grant | undefined {
    const grant = this.#parts.state.grants.get(id);
    return grant && !isRemoved(this.#parts.removals, 'grant', id, grant) ? grant : undefined;
  }
  /** A grant that was revoked. */
  formerGrant(id: string): Grant | undefined {
    if (this.grant(id)) return undefined;
    return this.#parts.state.formerGrants.get(id) ?? this.#parts.state.grants.get(id);
  }
  grants(): Grant[] {
    return [...this.#parts.state.grants.keys()].flatMap((id) => this.grant(id) ?? []);
  }
  epoch(of: string): Epoch | undefined {
    return this.#parts.state.epochs.get(of);
  }

  /** The freeze that stops this device or agent of a name, or undefined. `null` for what is not asked. */
  frozen(device: Did | null, agent: string | null = null): Verified<'freeze'> | undefined {
    return freezeOf(this.#parts.state, this.#parts.freezes, device, agent);
  }
  /** All freezes that stand: their ids are what a `thaw` names. */
  freezes(): Verified<'freeze'>[] {
    return freezesInForce(this.#parts.state, this.#parts.freezes);
  }
  /** Whether a freeze of this id, known or not, was lifted. Who knows the freeze says so exactly; others by the thaw alone. */
  isThawed(id: string): boolean {
    const freeze = this.#parts.freezes.get(id);
    return freeze ? !this.freezes().includes(freeze) : this.#parts.state.thaws.has(id);
  }
  /** Revocations in effect that the chain does not show yet. */
  pendingRemovals(): Verified<'revoke'>[] {
    return [...this.#parts.removals.values()];
  }

  isBroker(key: string): boolean {
    return this.trust?.broker.some((did) => did === key) ?? false;
  }
  isGate(key: string): boolean {
    return this.trust?.gate.some((did) => did === key) ?? false;
  }
  isRelay(key: string): boolean {
    return this.trust?.relays.some((did) => did === key) ?? false;
  }
  isOperator(key: string): boolean {
    return this.trust?.operators.some((did) => did === key) ?? false;
  }
  /** Whether this key serves a class of data for the owner. Every device serves the class `device` for itself. */
  isWorker(of: string, key: string): boolean {
    if (of === deviceClass && this.device(key)) return true;
    return this.trust?.workers.some((worker) => worker.class === of && worker.keys.some((did) => did === key)) ?? false;
  }
  /** Whether this key may read the owner's private statements: its services, never a relay, and its devices. */
  isReader(key: string): boolean {
    if (this.isBroker(key) || this.isGate(key) || this.device(key)) return true;
    return this.trust?.workers.some((worker) => worker.keys.some((did) => did === key)) ?? false;
  }

  /** The `view` that the next statement must carry. Throws `owner.conflict` for one that contradicts the chain. */
  nextView<K extends LaterKind>(kind: K, members: Members<K>): string {
    const place = { id: '', seq: this.seq + 1 };
    const facts = { ...members, owner: this.id, seq: place.seq, prev: this.head, iat: 0 };
    const next = transition(this.#parts.state, kind, facts as unknown as Payload<K>, place, {
      recovery: false,
      by: [],
    });
    return viewOf(next, place.id);
  }

  /** Ids of all statements in force. */
  idsInForce(): string[] {
    return idsInForce(this.#parts.state);
  }

  /** Proves against the `view` of the newest statement that another one is in force. Throws `owner.unknown`. */
  proveMember(id: string): Promise<MemberProof> {
    return proveAmong(
      this.idsInForce().filter((other) => other !== this.head),
      id,
    );
  }
}

/**
 * A view of those statements alone that a capsule proves to be in force. Not exported from the module: whoever holds a view
 * elsewhere holds the whole chain.
 */
export function viewOfMembers(
  id: string,
  place: { readonly seq: number; readonly head: string },
  state: State,
): OwnerView {
  return make({ id, mode: 'full', ...place, state, freezes: new Map(), removals: new Map(), hidden: new Set() });
}

function viewOf(state: State, self: string): string {
  return toBase64url(rootOverIds(idsInForce(state).filter((id) => id !== self)));
}
