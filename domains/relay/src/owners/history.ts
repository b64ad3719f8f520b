import {
  type ChainKind,
  chainKinds,
  claimedKind,
  type Did,
  fail,
  idOf,
  type Kind,
  limits,
  type Verified,
  verifyStatement,
} from '@caponier/protocol';
import { type LaterKind, OwnerView } from '@caponier/verify';
import type { KeptStatement } from '../store/owners.ts';

/**
 * What a relay knows of one owner: membership statements by their place, and what counts without one. Immutable.
 *
 * Threat: a device that was revoked shows the chain as it was before, or leaves the revocation out (a membership reader
 * cannot tell a missing statement from a private one). Measure: the relay only ever adds: it judges by the union of all
 * it was shown, so what one device leaves out, another has filled in, and nothing takes it out again. What remains:
 * what nobody has shown yet; a relay that follows the registry is shown everything.
 */
export interface History {
  readonly owner: string;
  readonly view: OwnerView;
  /** By place in the chain. */
  readonly chain: ReadonlyMap<number, ChainEntry>;
  /** Freezes, and revocations that came before their place in the chain was known, by id. */
  readonly loose: ReadonlyMap<string, Entry<'freeze' | 'revoke'>>;
  readonly bytes: number;
}

interface Entry<K extends Kind> {
  readonly statement: Verified<K>;
  readonly cosigns: readonly Verified<'cosign'>[];
}
type ChainEntry = Entry<ChainKind>;

const chainKindSet: ReadonlySet<string> = new Set(chainKinds);
const maxCosigns = 16;

/** Replays a history. Throws the codes of `OwnerView`. */
function replay(owner: string, chain: ReadonlyMap<number, ChainEntry>, loose: History['loose']): History {
  const first = chain.get(0);
  if (!first) throw fail('owner.bad_sequence', 'no first statement');
  if (first.statement.id !== owner) throw fail('owner.conflict', 'another owner');
  let view = OwnerView.start(first.statement as Verified<'owner'>, first.cosigns, 'membership');
  const places = [...chain.keys()].sort((a, b) => a - b);
  for (const place of places.slice(1)) view = applyNext(view, chain.get(place)!);
  for (const entry of loose.values()) view = applyLoose(view, entry);
  return { owner, view, chain, loose, bytes: bytesOf(chain, loose) };
}

/**
 * Between two membership statements stand private ones, of which the later one names the last (`prev`, signed by the
 * owner); that is all a relay needs to know of them.
 */
function applyNext(view: OwnerView, { statement, cosigns }: ChainEntry): OwnerView {
  const later = statement as unknown as Verified<LaterKind>;
  const { seq, prev } = later.payload;
  const near = seq > view.seq + 1 ? view.skipPrivate({ seq: seq - 1, id: prev }) : view;
  return near.apply(later, cosigns);
}

function applyLoose(view: OwnerView, { statement, cosigns }: Entry<'freeze' | 'revoke'>): OwnerView {
  if (statement.kind === 'freeze') return view.withFreeze(statement as Verified<'freeze'>);
  return view.withRemoval(statement as Verified<'revoke'>, cosigns);
}

function bytesOf(chain: ReadonlyMap<number, ChainEntry>, loose: History['loose']): number {
  let sum = 0;
  for (const { statement, cosigns } of [...chain.values(), ...loose.values()]) {
    sum += statement.jws.length;
    for (const { jws } of cosigns) sum += jws.length;
  }
  return sum;
}

/** The statements among `shown` that are not known yet, verified; known ones cost a hash and no signature check. */
function open(shown: readonly string[], known: History | undefined) {
  const ids = new Set<string>();
  if (known) for (const { statement } of [...known.chain.values(), ...known.loose.values()]) ids.add(statement.id);
  const fresh: Verified<ChainKind | 'freeze'>[] = [];
  const cosignJws: string[] = [];
  for (const jws of shown) {
    const id = idOf(jws);
    if (ids.has(id)) continue;
    ids.add(id);
    const kind = claimedKind(jws);
    if (kind === 'cosign') cosignJws.push(jws);
    else if (kind === 'freeze' || chainKindSet.has(kind)) fresh.push(verifyStatement(jws, kind as 'freeze' | 'enroll'));
    else throw fail('statement.wrong_kind', kind);
  }
  // Cosigns matter for fresh statements only; most owners have one root and none.
  const cosigns = fresh.length > 0 ? cosignJws.map((jws) => verifyStatement(jws, 'cosign')) : [];
  const of = (id: string) => cosigns.filter((cosign) => cosign.payload.of === id).slice(0, maxCosigns);
  return fresh.map((statement) => ({ statement, cosigns: of(statement.id) }));
}

/**
 * The history with what was shown. Throws `relay.stale_chain` where it contradicts what is known (another statement
 * stands in the same place), `relay.too_many` above the bounds of a bundle, and the codes of statements and owners.
 * `onSight`: revocations count at once wherever they stand, as when they are pushed; else each takes its place.
 */
export function extend(owner: string, known: History | undefined, shown: readonly string[], onSight: boolean): History {
  const fresh = open(shown, known);
  if (known && fresh.length === 0) return known;
  const chain = new Map(known?.chain);
  const loose = new Map(known?.loose);
  const added: number[] = [];
  for (const entry of fresh) {
    const { statement } = entry;
    const { kind, payload } = statement;
    if (kind === 'freeze') {
      if ((payload as Verified<'freeze'>['payload']).aud !== owner)
        throw fail('owner.conflict', 'freeze for another owner');
      loose.set(statement.id, entry as Entry<'freeze'>);
      continue;
    }
    const place = payload as { readonly seq: number; readonly owner?: string };
    if (kind === 'owner' ? statement.id !== owner : place.owner !== owner)
      throw fail('owner.conflict', 'another owner');
    const taken = chain.has(place.seq);
    if (kind === 'revoke' && (taken || (onSight && place.seq !== (known?.view.seq ?? -1) + 1))) {
      loose.set(statement.id, entry as unknown as Entry<'revoke'>);
    } else if (taken) {
      throw fail('relay.stale_chain', `two statements at ${place.seq}`);
    } else {
      chain.set(place.seq, entry as unknown as ChainEntry);
      added.push(place.seq);
    }
  }
  const next = grow(owner, known, chain, loose, added);
  if (chain.size + loose.size > limits.maxBundleStatements || next.bytes > limits.maxBundleBytes) {
    throw fail('relay.too_many', 'statements of one owner');
  }
  return next;
}

/** Applies what comes after the known head; replays from the start where a gap was filled. */
function grow(
  owner: string,
  known: History | undefined,
  chain: ReadonlyMap<number, ChainEntry>,
  loose: History['loose'],
  added: number[],
): History {
  if (!known || added.some((seq) => seq < known.view.seq)) return replay(owner, chain, loose);
  let { view } = known;
  for (const seq of added.sort((a, b) => a - b)) view = applyNext(view, chain.get(seq)!);
  for (const [id, entry] of loose) if (!known.loose.has(id)) view = applyLoose(view, entry);
  return { owner, view, chain, loose, bytes: bytesOf(chain, loose) };
}

/** As it is kept: the chain by place, then what is loose. */
export function toKept({ chain, loose }: History): KeptStatement[] {
  const kept = (entry: Entry<Kind>, isLoose: boolean): KeptStatement => ({
    jws: entry.statement.jws,
    cosigns: entry.cosigns.map(({ jws }) => jws),
    loose: isLoose,
  });
  return [
    ...[...chain.entries()].sort(([a], [b]) => a - b).map(([, entry]) => kept(entry, false)),
    ...[...loose.values()].map((entry) => kept(entry, true)),
  ];
}

/** Verified again on the way back: the file lies where others of the same user could write it. */
export function fromKept(owner: string, kept: readonly KeptStatement[]): History {
  const chain = new Map<number, ChainEntry>();
  const loose = new Map<string, Entry<'freeze' | 'revoke'>>();
  for (const row of kept) {
    const cosigns = row.cosigns.map((jws) => verifyStatement(jws, 'cosign'));
    if (row.loose) {
      const statement = verifyStatement(row.jws, 'freeze', 'revoke') as Verified<'freeze' | 'revoke'>;
      loose.set(statement.id, { statement, cosigns });
    } else {
      const statement = verifyStatement(row.jws, ...(chainKinds as readonly [ChainKind, ...ChainKind[]]));
      chain.set(statement.payload.seq, { statement: statement as Verified<ChainKind>, cosigns });
    }
  }
  return replay(owner, chain, loose);
}

/** `withheld`: the log names statements of the owner that nobody shows. */
export type Standing = 'enrolled' | 'revoked' | 'frozen' | 'unknown' | 'withheld';

/**
 * What a device is to its owner, by all that is known. Where the log is at least as new as what devices have shown, the
 * log alone says who is enrolled; what removes counts from either.
 */
export function standingOf(device: Did, shown: OwnerView | undefined, logged: OwnerView | undefined): Standing {
  const views = [shown, logged].filter((view) => view !== undefined);
  if (views.length === 0) return 'unknown';
  const newest = views.reduce((a, b) => (b.seq >= a.seq ? b : a));
  const said = newest.device(device);
  if (!said) return newest.formerDevice(device) ? 'revoked' : 'unknown';
  const removed = views.some((view) =>
    view
      .pendingRemovals()
      .some(({ payload }) => payload.what === 'device' && payload.target === device && payload.seq > said.seq),
  );
  if (removed) return 'revoked';
  // A freeze counts from either; lifting one adds authority, so it is the log that says it was lifted: whoever shows no
  // chain, with a token or because it was cut before the thaw, would stay frozen for ever.
  const stands = (view: OwnerView) =>
    view.freezes().some((freeze) => covers(freeze, device) && !(logged?.isThawed(freeze.id) ?? false));
  return views.some(stands) ? 'frozen' : 'enrolled';
}

const covers = ({ payload: { what, target } }: Verified<'freeze'>, device: Did): boolean =>
  what === 'all' || (what === 'device' && target === device);
