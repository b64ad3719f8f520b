import { toBase64url } from '@caponier/crypto';
import { type ChainKind, fail, limits, type permitWire, type Verified, verifyStatement } from '@caponier/protocol';
import { openCheckpoint, parseProofFile } from '@caponier/tlog';
import type { WireStatement } from '../owner/chain.ts';
import { openChainStatement, openCosigns } from '../owner/replay.ts';
import type { Trust } from '../owner/state.ts';
import { deviceClass, type LaterKind, OwnerView } from '../owner/view.ts';
import { logPolicy, normalProof } from './events.ts';
import { type Capsule, type CapsuleEvent, type CapsuleUse, encodeCapsule } from './form.ts';
import { toSided } from './path.ts';
import { verifyCapsule } from './verify.ts';

/** A statement of the owner's chain with its index in the `owners` log. */
export interface LoggedStatement extends WireStatement {
  readonly index: number;
}

/** One use of the permit, as far as it is known. */
export interface UseMaterial {
  /** The caller's proof, where it was kept. */
  readonly use: string | null;
  readonly outcome: string;
  /** The answer's body; null to withhold it. */
  readonly body: Uint8Array | null;
  /** The worker's events of intent and outcome, where they were asked for. */
  readonly worker: { readonly intent: permitWire.EventAnswer; readonly outcome: permitWire.EventAnswer } | null;
}

export interface CapsuleMaterial {
  /** The owner's whole chain, by `seq`. */
  readonly chain: readonly LoggedStatement[];
  /** What broker or gate knows about the request. */
  readonly decided: permitWire.MaterialAnswer;
  /** The parameters of the request; null where there are none, or to withhold them. */
  readonly body: Uint8Array | null;
  /** By default those that the decider was told of. */
  readonly uses?: readonly UseMaterial[];
  /** A C2SP tlog-proof file of the registry for one leaf. */
  readonly prove: (log: 'owners' | 'events', index: number) => Promise<string>;
}

/**
 * Puts a capsule together, and verifies it as a stranger would before anybody gets it. `now` in milliseconds.
 * Throws `capsule.refused` where it would not hold, `capsule.malformed` where something is missing.
 */
export async function buildCapsule(
  material: CapsuleMaterial,
  trustFile: Uint8Array,
  { now }: { readonly now: number },
): Promise<Uint8Array> {
  const { decided, body } = material;
  const made = decided.decisions.at(-1);
  if (!made) throw fail('capsule.malformed', 'nothing was decided');
  const permit = verifyStatement(made.permit, 'permit');
  const request = verifyStatement(decided.request, 'request');
  const approvals = decided.approvals.filter((jws) =>
    permit.payload.approvals.includes(verifyStatement(jws, 'approval').id),
  );
  const approvers = approvals.map((jws) => verifyStatement(jws, 'approval').kid);
  const chain = await chainAt(material, request, permit, approvers);
  const proofs = { material, trust: chain.trust };
  const uses =
    material.uses ?? decided.outcomes.map(({ outcome }) => ({ use: null, outcome, body: null, worker: null }));
  const bytes = encodeCapsule({
    capsule: 1,
    chain: chain.part,
    request: decided.request,
    body: body && toBase64url(body),
    delegations: inOrder(decided.delegations, request.payload.delegations),
    approvals,
    permit: made.permit,
    policy: decided.policies.find(({ policy }) => policy === permit.payload.policy)?.text ?? null,
    decision: await eventOf(made.event, proofs),
    uses: await Promise.all(uses.map((use) => useOf(use, decided, proofs))),
  });
  const report = await verifyCapsule(bytes, trustFile, { now });
  if (report.failed) throw fail('capsule.refused', `${report.failed.check}: ${report.failed.code}`);
  return bytes;
}

function inOrder(delegations: readonly string[], ids: readonly string[]): string[] {
  const byId = new Map(delegations.map((jws) => [verifyStatement(jws, 'delegate').id, jws]));
  return ids.map((id) => {
    const jws = byId.get(id);
    if (jws === undefined) throw fail('capsule.malformed', 'a delegation is missing');
    return jws;
  });
}

interface ChainPoint {
  readonly view: OwnerView;
  readonly logged: LoggedStatement;
  readonly statement: Verified<ChainKind>;
}

function* pointsOf(chain: readonly LoggedStatement[]): Generator<ChainPoint> {
  let view: OwnerView | undefined;
  for (const logged of chain) {
    const statement = openChainStatement(logged.statement);
    const cosigns = openCosigns(logged.cosigns);
    view = view
      ? view.apply(statement as Verified<LaterKind>, cosigns)
      : OwnerView.start(statement as Verified<'owner'>, cosigns);
    yield { view, logged, statement };
  }
}

/** Ids of what the decision stood on, or undefined where the view lacks one. */
function neededBy(
  view: OwnerView,
  request: Verified<'request'>,
  permit: Verified<'permit'>,
  approvers: readonly string[],
): string[] | undefined {
  const { device, grant, aud, class: of } = request.payload;
  const said = [
    view.device(device),
    ...(of === deviceClass ? [view.device(aud)] : []),
    view.grant(grant),
    ...(permit.payload.policy === null ? [] : [view.policy?.id === permit.payload.policy ? view.policy : undefined]),
    ...approvers.flatMap((key) => [
      view.approver(key),
      ...(view.approver(key)?.passkey === null ? [view.device(key)] : []),
    ]),
  ];
  if (!view.trust || said.includes(undefined)) return undefined;
  return [...new Set(said.map((one) => one!.id))];
}

/** The newest point of the chain, at the decision, where all that it stood on was in force. */
async function chainAt(
  { chain, prove }: CapsuleMaterial,
  request: Verified<'request'>,
  permit: Verified<'permit'>,
  approvers: readonly string[],
): Promise<{ readonly part: Capsule['chain']; readonly trust: Trust }> {
  let found: { point: ChainPoint; needed: string[] } | undefined;
  for (const point of pointsOf(chain)) {
    const needed = neededBy(point.view, request, permit, approvers);
    if (needed && point.statement.payload.iat <= permit.payload.iat + limits.clockSkewSeconds)
      found = { point, needed };
  }
  if (!found) throw fail('capsule.malformed', 'the chain does not hold what the decision stood on');
  const { view, logged, statement } = found.point;
  const trust = view.trust!;
  const pathOf = async (id: string) => (id === statement.id ? null : [...toSided(await view.proveMember(id))]);
  const byId = new Map(chain.map((one) => [openChainStatement(one.statement).id, one.statement]));
  const members = found.needed.map(async (id) => ({ statement: byId.get(id)!, path: await pathOf(id) }));
  return {
    trust,
    part: {
      head: logged.statement,
      cosigns: openCosigns(logged.cosigns).map(({ jws }) => jws),
      logged: normalised(await prove('owners', logged.index), trust, 'owners'),
      roots: await pathOf(view.roots.id),
      trust: await pathOf(trust.id),
      members: await Promise.all(members),
    },
  };
}

interface Proofs {
  readonly material: CapsuleMaterial;
  readonly trust: Trust;
}

async function eventOf(event: permitWire.EventAnswer, { material, trust }: Proofs): Promise<CapsuleEvent> {
  const { index, prev, salt, body, leaf, proof } = event;
  if (salt === null || body === null) throw fail('capsule.malformed', 'an event was redacted');
  if (leaf === null) throw fail('capsule.malformed', 'an event is not in the log yet');
  const logged = normalised(proof ?? (await material.prove('events', leaf)), trust, 'events');
  return { index, prev, salt, body, logged };
}

async function useOf(use: UseMaterial, decided: permitWire.MaterialAnswer, proofs: Proofs): Promise<CapsuleUse> {
  const report = decided.outcomes.find(({ outcome }) => outcome === use.outcome);
  return {
    use: use.use,
    outcome: use.outcome,
    body: use.body && toBase64url(use.body),
    worker: use.worker && {
      intent: await eventOf(use.worker.intent, proofs),
      outcome: await eventOf(use.worker.outcome, proofs),
    },
    reported: report ? await eventOf(report.event, proofs) : null,
  };
}

/** Without the signatures that nobody would check: every byte of a capsule counts. */
function normalised(logged: string, trust: Trust, log: 'owners' | 'events'): string {
  return normalProof(logged, openCheckpoint(parseProofFile(logged).checkpoint, logPolicy(trust, log)).note);
}
