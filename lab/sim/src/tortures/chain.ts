import { CaponierError } from '@caponier/crypto';
import { type ChainKind, type Did, leafClassOf, type Payload, type Verified } from '@caponier/protocol';
import {
  type ChainEntry,
  type LaterKind,
  type OwnerView,
  replayChain,
  type Signed,
  signOwner,
  verifyMember,
} from '@caponier/verify';
import { forge, freezeBy } from '../chain/forger.ts';
import { Model, type Signatures } from '../chain/model.ts';
import { gather, type People } from '../chain/people.ts';
import { somethingToSay } from '../chain/said.ts';
import type { Dice } from '../dice.ts';
import { Broken, type Torture } from '../types.ts';

/** Statements that are tried on one chain in a round. */
const triesARound = 120;

interface Chain {
  view: OwnerView;
  readonly model: Model;
  readonly statements: { readonly statement: Verified<ChainKind>; readonly cosigns: readonly Verified<'cosign'>[] }[];
}

/** The code of a refusal, or null where it was taken. Anything without a code breaks the promise. */
function codeOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof CaponierError) return error.code;
    throw error;
  }
}

async function begin(dice: Dice, people: People): Promise<Chain> {
  const [first, second, third, recovery] = people.hands.map(({ did }) => did) as [Did, Did, Did, Did];
  const keys = dice.once(2) ? [first] : [first, second, third];
  const roots = { keys, k: 1 + dice.below(keys.length), recovery: dice.once(3) ? null : recovery };
  const pen = { signer: people.signer(first), random: dice.bytes, clock: () => 1_800_000_000_000 };
  const cosigners = keys.slice(1, roots.k).map((did) => people.signer(did));
  const { statement, cosigns, view }: Signed<'owner'> = await signOwner({ ...pen, cosigners }, roots);
  const said = { statement: statement as unknown as Verified<ChainKind>, cosigns };
  return { view, model: new Model({ ...roots, quorum: { keys: [], k: 0 } }), statements: [said] };
}

/** Half of the time whoever may, with everything that is needed; otherwise anybody, with any cosignatures. */
function signaturesFor(dice: Dice, people: People, { model }: Chain, kind: LaterKind): Signatures {
  const anybody = people.all.map(({ did }) => did);
  if (dice.once(2)) return { by: dice.pick(anybody), cosigned: dice.some(anybody).slice(0, 6) };
  const { keys, recovery, quorum } = model.roots;
  if (kind === 'rotate' && recovery !== null && dice.once(2)) return { by: recovery, cosigned: [] };
  if (kind === 'rotate' && quorum.keys.length > 0) return { by: dice.pick(quorum.keys), cosigned: quorum.keys };
  const approving = people.devices.map(({ did }) => did).filter((did) => model.approvers.has(did));
  return { by: dice.pick(keys), cosigned: [...keys, ...(kind === 'thaw' ? dice.some(approving) : [])] };
}

/** One statement, which the view must take exactly where the model says so. True where it was taken. */
async function trySaying(dice: Dice, people: People, chain: Chain): Promise<boolean> {
  const { view, model } = chain;
  const said = somethingToSay(dice, people, model);
  const wanted = signaturesFor(dice, people, chain, said.kind);
  const { statement, cosigns, signatures, misplaced } = await forge(dice, people, view, said, wanted);
  const before = tell(view);
  let after = view;
  const code = codeOf(() => {
    after = view.apply(statement, cosigns);
  });
  const lawful = model.authorised(said.kind, said.members, signatures);
  const sound = misplaced === null && !model.contradicts(said.kind, said.members);
  const story = `${said.kind} ${JSON.stringify(said.members)} (authorised: ${lawful}, ${misplaced ?? 'in its place'})`;
  if (tell(view) !== before) throw new Broken(`the view before ${story} changed`);
  if ((code === null) !== (lawful && sound)) throw new Broken(`${story} was ${code ?? 'taken'}`);
  if (code !== null && !code.startsWith('owner.')) throw new Broken(`${story} was refused with ${code}`);
  // Where only the authority is wrong, the code says that.
  if (!lawful && misplaced === null && !['owner.not_authorised', 'owner.not_enough_signatures'].includes(code ?? ''))
    throw new Broken(`${story} was refused with ${code}`);
  if (code !== null) return false;
  model.take(said.kind, said.members, statement.id, signatures);
  chain.view = after;
  chain.statements.push({ statement: statement as unknown as Verified<ChainKind>, cosigns });
  return true;
}

/** A freeze by anybody: obeyed on sight exactly where an approver signed it. Some arrive late, after a thaw perhaps. */
async function tryFreezing(dice: Dice, people: People, chain: Chain): Promise<void> {
  const { model } = chain;
  const approving = people.all.map(({ did }) => did).filter((did) => model.approvers.has(did));
  const by = approving.length > 0 && dice.once(2) ? dice.pick(approving) : dice.pick(people.all).did;
  const freeze = await freezeBy(dice, people, chain.view.id, by);
  if (dice.once(2)) model.unseen.set(freeze.id, freeze);
  else arrives(chain, freeze);
  const late = [...model.unseen.values()];
  if (late.length > 0 && dice.once(2)) arrives(chain, dice.pick(late));
}

function arrives(chain: Chain, freeze: Verified<'freeze'>): void {
  const { model } = chain;
  model.unseen.delete(freeze.id);
  const may = model.obeys(freeze);
  const code = codeOf(() => {
    chain.view = chain.view.withFreeze(freeze);
  });
  if ((code === null) !== may) throw new Broken(`a freeze by ${freeze.kid} was ${code ?? 'obeyed'}`);
  if (code === null) model.freezes.set(freeze.id, freeze);
}

/** A revocation before the log shows it: takes away on sight where the roots signed it, and never gives anything. */
async function tryRemoving(dice: Dice, people: People, chain: Chain): Promise<void> {
  const { view, model } = chain;
  if (model.devices.size === 0) return;
  const target = dice.pick([...model.devices.keys()]) as Did;
  const wanted = signaturesFor(dice, people, chain, 'revoke');
  const said = { kind: 'revoke', members: { what: 'device', target } } as const;
  const { statement, cosigns, signatures, misplaced } = await forge(dice, people, view, said, wanted);
  if (misplaced !== null) return;
  let after = view;
  const code = codeOf(() => {
    after = view.withRemoval(statement as unknown as Verified<'revoke'>, cosigns);
  });
  const lawful = model.authorised('revoke', said.members, signatures);
  if ((code === null) !== lawful) throw new Broken(`a removal was ${code ?? 'obeyed'}, authorised: ${lawful}`);
  if (lawful && (after.device(target) || after.approver(target))) throw new Broken('a removed device stands');
  if (view.device(target) === undefined) throw new Broken('a removal changed the view before it');
}

const sorted = (list: Iterable<string>) => [...list].sort().join(' ');

/** Everything that a view says, as one text. */
function tell(view: OwnerView): string {
  const { id, seq, head, roots, trust, policy } = view;
  const said = [view.devices(), view.approvers(), view.grants(), view.epoch('secret'), view.epoch('memory')];
  return JSON.stringify([id, seq, head, roots, trust, policy, said, view.freezes().map((freeze) => freeze.id)]);
}

function compare({ view, model }: Chain, people: People): void {
  const pairs: [what: string, is: string, should: string][] = [
    ['devices', sorted(view.devices().map(({ did, name }) => `${did}=${name}`)), sorted(entries(model.devices))],
    ['approvers', sorted(view.approvers().map(({ key, name }) => `${key}=${name}`)), sorted(entries(model.approvers))],
    ['grants', sorted(view.grants().map(({ id }) => id)), sorted(model.grants)],
    ['roots', String([view.roots.keys, view.roots.k]), String([model.roots.keys, model.roots.k])],
    ['freezes', sorted(view.freezes().map(({ id }) => id)), sorted(model.standing().map(({ id }) => id))],
  ];
  for (const { did, name } of people.devices)
    pairs.push([`freeze of ${name}`, String(view.frozen(did) !== undefined), String(model.frozen(did))]);
  for (const [what, is, should] of pairs)
    if (is !== should) throw new Broken(`${what} of the view: ${is || 'none'}; should be: ${should || 'none'}`);
}

const entries = (map: ReadonlyMap<string, string>) => [...map].map(([key, name]) => `${key}=${name}`);

function wire({ statements }: Chain): ChainEntry[] {
  return statements.map(({ statement, cosigns }) => ({
    id: statement.id,
    statement: statement.jws,
    cosigns: cosigns.map(({ jws }) => jws),
  }));
}

/** The same chain from its bytes says the same; with any statement moved, dropped or doubled it is refused. */
function replayed(dice: Dice, chain: Chain): void {
  const whole = wire(chain);
  const again = replayChain(whole);
  const mine = chain.view;
  if (tellWithoutFreezes(again) !== tellWithoutFreezes(mine)) throw new Broken('a replay says something else');
  const at = dice.below(whole.length - 1);
  const spoiled = {
    dropped: whole.toSpliced(at, 1),
    doubled: whole.toSpliced(at, 0, whole[at]!),
    swapped: whole.toSpliced(at, 2, whole[at + 1]!, whole[at]!),
  };
  for (const [how, entriesThen] of Object.entries(spoiled))
    if (codeOf(() => replayChain(entriesThen)) === null) throw new Broken(`statement ${at} ${how}, and nobody noticed`);
  asRelay(chain, whole);
}

const tellWithoutFreezes = (view: OwnerView) => JSON.stringify(JSON.parse(tell(view)).slice(0, -1));

/** A relay sees no private statement, and agrees on the members all the same. */
function asRelay({ view, statements }: Chain, whole: readonly ChainEntry[]): void {
  const shown = whole.map((entry, i) => {
    const { kind, payload } = statements[i]!.statement;
    return leafClassOf(kind, payload as Payload<ChainKind>) === 'private' ? { id: entry.id! } : entry;
  });
  const relay = replayChain(shown, 'membership');
  const members = (of: OwnerView) => JSON.stringify([of.devices(), of.approvers(), of.trust, of.roots]);
  if (members(relay) !== members(view)) throw new Broken('a membership reader sees other members');
  if (relay.grants().length > 0 || relay.policy !== null) throw new Broken('a relay was shown a private statement');
}

/** What is in force is provable against the newest statement; what is not is not. */
async function proven({ view, statements }: Chain): Promise<void> {
  const newest = statements.at(-1)!.statement;
  const root = newest.payload.view;
  const inForce = new Set(view.idsInForce());
  for (const { statement } of statements) {
    if (statement.id === newest.id) continue;
    const proof = await view.proveMember(statement.id).catch(() => null);
    if ((proof !== null) !== inForce.has(statement.id)) throw new Broken(`membership of a ${statement.kind}`);
    if (proof) verifyMember(statement.id, proof, root);
  }
}

const torture: Torture = {
  name: 'chain',
  summary: 'random operations with rightful and forged signers: a view says exactly what a simple model says',
  rounds: 300,
  async round(dice) {
    const people = gather(dice);
    const chain = await begin(dice, people);
    let taken = 0;
    for (let i = 0; i < triesARound; i++) {
      if (await trySaying(dice, people, chain)) taken += 1;
      if (dice.once(4)) await tryFreezing(dice, people, chain);
      if (dice.once(4)) await tryRemoving(dice, people, chain);
      compare(chain, people);
    }
    if (chain.statements.length > 1) replayed(dice, chain);
    await proven(chain);
    return { 'statements taken': taken, 'statements refused': triesARound - taken };
  },
};

export default torture;
