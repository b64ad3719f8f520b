import { type ChainKind, type Did, fail, leafClassOf, limits, type Payload, type Verified } from '@caponier/protocol';
import { encodeOwnersLeaf } from '@caponier/tlog';
import { type LaterKind, OwnerView } from '@caponier/verify';
import { DAY_MS } from '../limits.ts';
import type { Plan } from '../log/sequencer.ts';
import type { RegistryStore, StoredStatement } from '../store.ts';
import { type AdmissionOptions, admit } from './admission.ts';
import { approversOf, type OwnerViews } from './views.ts';

/** Statements of one owner as they arrived: verified in form and signature, authority not yet judged. */
export interface AppendJob {
  readonly owner: string;
  readonly statements: readonly {
    readonly statement: Verified<ChainKind>;
    readonly cosigns: readonly Verified<'cosign'>[];
  }[];
  readonly ticket: Verified<'ticket'> | null;
}

/** Where a statement stands. */
export interface Place {
  readonly id: string;
  readonly seq: number;
  readonly index: number;
}

/** A revocation that became durable, for followers to see at once. */
interface Removal {
  readonly stored: StoredStatement;
  /** Who may see it, where it is private. */
  readonly view: OwnerView;
}

export interface PlannerOptions extends AdmissionOptions {
  readonly store: RegistryStore;
  readonly views: OwnerViews;
  readonly onRemoval: (removal: Removal) => void;
}

/**
 * Judges appends in the order in which they will stand, each on top of those before it: of two writers who sign the same
 * place, the second finds the chain grown and gets `owner.bad_sequence`. One refusal changes nothing for the others.
 */
export function ownersPlanner(
  options: PlannerOptions,
): (jobs: readonly AppendJob[], size: number) => Promise<Plan<Place[]>> {
  return async (jobs, size) => {
    const batch = new Batch(options, size);
    const answers: Plan<Place[]>['answers'][number][] = [];
    for (const job of jobs) {
      try {
        const result = await batch.take(job);
        answers.push({ result, size: Math.max(...result.map(({ index }) => index)) + 1 });
      } catch (error) {
        answers.push({ error });
      }
    }
    return { answers, adds: batch.adds(), committed: () => batch.committed() };
  };
}

class Batch {
  readonly #options: PlannerOptions;
  readonly #size: number;
  readonly #views = new Map<string, OwnerView>();
  readonly #stored: StoredStatement[] = [];
  readonly #removals: Removal[] = [];
  readonly #thawed: string[] = [];

  constructor(options: PlannerOptions, size: number) {
    this.#options = options;
    this.#size = size;
  }

  async take(job: AppendJob): Promise<Place[]> {
    const { views, store, clock } = this.#options;
    let view = this.#views.get(job.owner) ?? (await views.get(job.owner));
    const places: Place[] = [];
    const stored: StoredStatement[] = [];
    const removals: Removal[] = [];
    const thawed: string[] = [];
    for (const { statement, cosigns } of job.statements) {
      // A writer whose answer was lost sends the same again; what stands already is found, not refused.
      const before = stored.length === 0 && (await this.#find(statement.id));
      if (before) {
        places.push({ id: before.id, seq: before.seq, index: before.index });
        continue;
      }
      view = next(view, statement, cosigns);
      const index = this.#size + this.#stored.length + stored.length;
      const { seq } = statement.payload;
      const leafClass = leafClassOf(statement.kind, statement.payload as Payload<ChainKind>);
      const jws = cosigns.map((cosign) => cosign.jws);
      const one = {
        id: statement.id,
        owner: job.owner,
        seq,
        index,
        class: leafClass,
        statement: statement.jws,
        cosigns: jws,
      };
      stored.push(one);
      places.push({ id: one.id, seq, index });
      if (statement.kind === 'revoke') removals.push({ stored: one, view });
      if (statement.kind === 'thaw') thawed.push(...liftedBy(statement as Verified<'thaw'>, view));
    }
    if (!view || stored.length === 0) return places;
    const { written } = await store.counts({ owner: job.owner, since: clock() - DAY_MS });
    const waiting = this.#stored.filter(({ owner }) => owner === job.owner).length;
    if (written + waiting + stored.length > limits.maxOwnerStatementsPerDay) throw fail('registry.quota', job.owner);
    // Last, when nothing else can fail: a ticket is not spent on a chain that is refused.
    const first = job.statements[0]!.statement;
    if (stored[0]!.seq === 0) await admit(this.#options, first as Verified<'owner'>, job.ticket);
    this.#views.set(job.owner, view);
    this.#stored.push(...stored);
    this.#removals.push(...removals);
    this.#thawed.push(...thawed);
    return places;
  }

  async #find(id: string): Promise<StoredStatement | undefined> {
    return this.#stored.find((other) => other.id === id) ?? (await this.#options.store.statement(id));
  }

  adds(): Plan<never>['adds'] {
    return {
      entries: this.#stored.map(encodeOwnersLeaf),
      statements: this.#stored,
      readers: [...this.#views].map(([owner, view]) => ({ owner, keys: readersOf(view) })),
      approvers: [...this.#views].map(([owner, view]) => ({ owner, keys: approversOf(view) })),
      thawed: this.#thawed,
    };
  }

  committed(): void {
    for (const view of this.#views.values()) this.#options.views.set(view);
    for (const removal of this.#removals) this.#options.onRemoval(removal);
  }
}

function next(
  view: OwnerView | undefined,
  statement: Verified<ChainKind>,
  cosigns: readonly Verified<'cosign'>[],
): OwnerView {
  if (statement.kind === 'owner') {
    if (view) throw fail('owner.bad_sequence', 'the chain has begun');
    return OwnerView.start(statement as Verified<'owner'>, cosigns);
  }
  if (!view) throw fail('owner.unknown', statement.kind);
  return view.apply(statement as Verified<LaterKind>, cosigns);
}

function liftedBy(thaw: Verified<'thaw'>, view: OwnerView): string[] {
  return thaw.payload.freezes.filter((id) => view.isThawed(id));
}

/** Everybody whom {@link OwnerView.isReader} lets read. */
function readersOf(view: OwnerView): Did[] {
  const { broker = [], gate = [], workers = [] } = view.trust ?? {};
  const named = [
    ...broker,
    ...gate,
    ...workers.flatMap((worker) => worker.keys),
    ...view.devices().map((device) => device.did),
  ];
  return named.filter((key) => view.isReader(key));
}
