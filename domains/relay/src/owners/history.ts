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
import { checkUnits, hashUnits, type Pace } from '../door/proving.ts';
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

/**
 * Replays a history that was judged before. Throws the codes of `OwnerView`.
 *
 * Threat: an approver that is revoked for its freezes, or a root that is rotated out after it revoked, could not say the
 * same again today; were they asked to, their owner would be locked out from the next restart on. So what is loose was
 * judged when it came: a freeze stays until it is lifted, and a removal by a root that is out no longer counts.
 */
async function replay(
  owner: string,
  chain: ReadonlyMap<number, ChainEntry>,
  loose: History['loose'],
  pace: Pace,
): Promise<History> {
  const first = chain.get(0);
  if (!first) throw fail('owner.bad_sequence', 'no first statement');
  if (first.statement.id !== owner) throw fail('owner.conflict', 'another owner');
  let view = OwnerView.start(first.statement as Verified<'owner'>, first.cosigns, 'membership');
  const places = [...chain.keys()].sort((a, b) => a - b);
  for (const place of places.slice(1)) {
    await pace(checkUnits);
    view = applyNext(view, chain.get(place)!);
  }
  for (const entry of loose.values()) view = recallLoose(view, entry);
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

function recallLoose(view: OwnerView, entry: Entry<'freeze' | 'revoke'>): OwnerView {
  if (entry.statement.kind === 'freeze') return view.recallFreeze(entry.statement as Verified<'freeze'>);
  try {
    return applyLoose(view, entry);
  } catch {
    return view;
  }
}

function bytesOf(chain: ReadonlyMap<number, ChainEntry>, loose: History['loose']): number {
  let sum = 0;
  for (const { statement, cosigns } of [...chain.values(), ...loose.values()]) {
    sum += statement.jws.length;
    for (const { jws } of cosigns) sum += jws.length;
  }
  return sum;
}

async function hasFirst(owner: string, shown: readonly string[], pace: Pace): Promise<boolean> {
  for (const jws of shown) {
    await pace(hashUnits);
    if (idOf(jws) === owner) return true;
  }
  return false;
}

/** One statement of this owner, verified. Of the first that is another's the rest is not looked at. */
function openFor(owner: string, jws: string, kind: ChainKind | 'freeze'): Verified<ChainKind | 'freeze'> {
  const statement = verifyStatement(jws, kind as 'freeze' | 'enroll') as Verified<ChainKind | 'freeze'>;
  const payload = statement.payload as { readonly owner?: string; readonly aud?: string };
  const of = kind === 'owner' ? statement.id : kind === 'freeze' ? payload.aud : payload.owner;
  if (of !== owner) throw fail('owner.conflict', 'another owner');
  return statement;
}

/** The statements among `shown` that are not known yet, verified; known ones cost a hash and no signature check. */
async function open(owner: string, shown: readonly string[], known: History | undefined, pace: Pace) {
  const ids = new Set<string>();
  if (known) for (const { statement } of [...known.chain.values(), ...known.loose.values()]) ids.add(statement.id);
  // An owner is named by its first statement: without that one nothing else is worth a signature check.
  else if (!(await hasFirst(owner, shown, pace))) throw fail('owner.bad_sequence', 'no first statement');
  const fresh: Verified<ChainKind | 'freeze'>[] = [];
  const cosignJws: string[] = [];
  for (const jws of shown) {
    await pace(hashUnits);
    const id = idOf(jws);
    if (ids.has(id)) continue;
    ids.add(id);
    await pace(checkUnits);
    const kind = claimedKind(jws);
    if (kind === 'cosign') cosignJws.push(jws);
    else if (kind === 'freeze' || chainKindSet.has(kind)) fresh.push(openFor(owner, jws, kind as ChainKind | 'freeze'));
    else throw fail('statement.wrong_kind', kind);
  }
  // Cosigns matter for fresh statements only; most owners have one root and none.
  const cosigns: Verified<'cosign'>[] = [];
  for (const jws of fresh.length > 0 ? cosignJws : []) {
    await pace(checkUnits);
    cosigns.push(verifyStatement(jws, 'cosign'));
  }
  const of = (id: string) => cosigns.filter((cosign) => cosign.payload.of === id).slice(0, maxCosigns);
  return fresh.map((statement) => ({ statement, cosigns: of(statement.id) }));
}

/**
 * The history with what was shown. Throws `relay.stale_chain` where it contradicts what is known (another statement
 * stands in the same place), `relay.too_many` above the bounds of a bundle, and the codes of statements and owners.
 * `onSight`: revocations count at once wherever they stand, as when they are pushed; else each takes its place.
 */
export async function extend(
  owner: string,
  known: History | undefined,
  shown: readonly string[],
  onSight: boolean,
  pace: Pace,
): Promise<History> {
  const fresh = await open(owner, shown, known, pace);
  if (known && fresh.length === 0) return known;
  const chain = new Map(known?.chain);
  const loose = new Map(known?.loose);
  const added: number[] = [];
  for (const entry of fresh) {
    const { statement } = entry;
    const { kind, payload } = statement;
    if (kind === 'freeze') {
      loose.set(statement.id, entry as Entry<'freeze'>);
      continue;
    }
    const place = payload as { readonly seq: number };
    const isTaken = chain.has(place.seq);
    if (kind === 'revoke' && (isTaken || (onSight && place.seq !== (known?.view.seq ?? -1) + 1))) {
      loose.set(statement.id, entry as unknown as Entry<'revoke'>);
    } else if (isTaken) {
      throw fail('relay.stale_chain', `two statements at ${place.seq}`);
    } else {
      chain.set(place.seq, entry as unknown as ChainEntry);
      added.push(place.seq);
    }
  }
  const taken = withoutBackdated(known, chain, added);
  if (known && taken.length === 0 && loose.size === known.loose.size) return known;
  const next = await grow(owner, known, chain, loose, taken, pace);
  if (chain.size + loose.size > limits.maxBundleStatements || next.bytes > limits.maxBundleBytes) {
    throw fail('relay.too_many', 'statements of one owner');
  }
  return next;
}

/**
 * Threat: roots are rotated because somebody else has the old ones, and with these signs an enrolment for a place before the
 * rotation, where a membership reader sees a gap. Measure: below a rotation that is known, what adds authority is taken
 * only where the statement after it names it, up to one that is known. Removals are taken in any case. What remains: an
 * enrolment that the first device to come left out, with nothing but a private statement after it, waits for the log.
 */
function withoutBackdated(known: History | undefined, chain: Map<number, ChainEntry>, added: readonly number[]) {
  const rotated = known?.view.roots.seq ?? 0;
  const vouched = new Set(known?.chain.keys());
  const follows = (seq: number, id: string) => (chain.get(seq)!.statement.payload as { prev?: string }).prev === id;
  return added
    .toSorted((a, b) => b - a)
    .filter((seq) => {
      const { id, kind } = chain.get(seq)!.statement;
      if (vouched.has(seq + 1) && follows(seq + 1, id)) vouched.add(seq);
      else if (seq < rotated && kind !== 'revoke') return !chain.delete(seq);
      return true;
    });
}

/** Applies what comes after the known head; replays from the start where a gap was filled. */
async function grow(
  owner: string,
  known: History | undefined,
  chain: ReadonlyMap<number, ChainEntry>,
  loose: History['loose'],
  added: number[],
  pace: Pace,
): Promise<History> {
  if (!known || added.some((seq) => seq < known.view.seq)) {
    const { view } = await replay(owner, chain, known?.loose ?? new Map(), pace);
    return withLoose(owner, view, known, chain, loose);
  }
  let { view } = known;
  for (const seq of added.sort((a, b) => a - b)) {
    await pace(checkUnits);
    view = applyNext(view, chain.get(seq)!);
  }
  return withLoose(owner, view, known, chain, loose);
}

/** What is loose and new has to be said by somebody who may. */
function withLoose(
  owner: string,
  view: OwnerView,
  known: History | undefined,
  chain: ReadonlyMap<number, ChainEntry>,
  loose: History['loose'],
): History {
  let after = view;
  for (const [id, entry] of loose) if (!known?.loose.has(id)) after = applyLoose(after, entry);
  return { owner, view: after, chain, loose, bytes: bytesOf(chain, loose) };
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
export async function fromKept(owner: string, kept: readonly KeptStatement[], pace: Pace): Promise<History> {
  const chain = new Map<number, ChainEntry>();
  const loose = new Map<string, Entry<'freeze' | 'revoke'>>();
  for (const row of kept) {
    await pace(checkUnits * (1 + row.cosigns.length));
    const cosigns = row.cosigns.map((jws) => verifyStatement(jws, 'cosign'));
    if (row.loose) {
      const statement = verifyStatement(row.jws, 'freeze', 'revoke') as Verified<'freeze' | 'revoke'>;
      loose.set(statement.id, { statement, cosigns });
    } else {
      const statement = verifyStatement(row.jws, ...(chainKinds as readonly [ChainKind, ...ChainKind[]]));
      chain.set(statement.payload.seq, { statement: statement as Verified<ChainKind>, cosigns });
    }
  }
  return replay(owner, chain, loose, pace);
}

/** `withheld`: the log names statements of the owner that nobody shows. */
export type Standing = 'enrolled' | 'revoked' | 'frozen' | 'unknown' | 'withheld';

const newestByHistory = new WeakMap<History, { readonly logged: OwnerView; readonly newest: OwnerView }>();

/**
 * The newest there is to know of an owner: what the log says, and on top of it what was shown and the log does not have yet.
 *
 * Threat: somebody with a root that was rotated out shows the chain as it was before, and what he signed behind the log's
 * newest place: newer by its number, by nobody with a say. Measure: it counts only where the log's own view takes it.
 */
export function newestOf(shown: History | undefined, logged: OwnerView | undefined): OwnerView | undefined {
  if (!shown || !logged || shown.view.seq <= logged.seq) return logged ?? shown?.view;
  const before = newestByHistory.get(shown);
  if (before?.logged === logged) return before.newest;
  const { newest } = onTop(shown, logged);
  newestByHistory.set(shown, { logged, newest });
  return newest;
}

/** Whether everything that is shown to be newer than the log follows from what the log has. */
export function follows(shown: History, logged: OwnerView): boolean {
  return onTop(shown, logged).refused === 0;
}

function onTop({ chain }: History, logged: OwnerView): { newest: OwnerView; refused: number } {
  let newest = logged;
  let refused = 0;
  for (const place of [...chain.keys()].filter((seq) => seq > logged.seq).sort((a, b) => a - b)) {
    try {
      newest = applyNext(newest, chain.get(place)!);
    } catch {
      refused += 1;
    }
  }
  return { newest, refused };
}

/**
 * What a device is to its owner, by all that is known. Where the log is at least as new as what devices have shown, the
 * log alone says who is enrolled; what removes counts from either.
 */
export function standingOf(device: Did, shown: History | undefined, logged: OwnerView | undefined): Standing {
  const newest = newestOf(shown, logged);
  if (!newest) return 'unknown';
  const views = [shown?.view, logged].filter((view) => view !== undefined);
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
