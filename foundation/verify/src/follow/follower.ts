import { CaponierError } from '@caponier/crypto';
import { type ErrorCode, entryOf, fail, type Verified, verifyStatement } from '@caponier/protocol';
import { decodeOwnersLeaf, type VerifiedCheckpoint } from '@caponier/tlog';
import { openCosigns } from '../owner/replay.ts';
import type { OwnerView, ViewMode } from '../owner/view.ts';
import { HeadDates, vouchedTime } from './dates.ts';
import { type DatedView, type Purpose, requireFresh } from './freshness.ts';
import { type Covered, HeadKeeper, openHead } from './heads.ts';
import { type LeafLine, openLine } from './line.ts';
import { FollowedOwners, type ShownLeaf } from './owners.ts';
import {
  type FollowMemory,
  type LogAnchor,
  memoryPage,
  type RaiseAlarm,
  type RegistryReader,
  type StandingRemoval,
  type Wait,
} from './ports.ts';

/** Time without a line after which the stream is taken for dead, milliseconds: a quiet log is cosigned every 10 s. */
export const silenceMs = 30_000;
/** First and longest pause between two attempts to connect, milliseconds; each doubles the one before. */
export const retryMs = { first: 500, most: 15_000 } as const;
/** Time for one statement asked for by id, milliseconds. */
export const fetchMs = 5_000;
/** Time for which a registry that did not show a statement is not asked for it again, milliseconds. */
const askAgainMs = 2_000;
/** Statements of which it is remembered that they were asked for. */
const maxAsked = 10_000;
/** Statements asked for by id before others have their turn. */
const maxFetches = 64;
/** Most characters of one fact of an `alarm`. */
const maxFact = 4096;
/** Alarms remembered, so that none is raised for the same facts twice. */
const maxRaised = 256;

export interface FollowerOptions {
  readonly registry: RegistryReader;
  readonly memory: FollowMemory;
  readonly anchor: LogAnchor;
  readonly mode: ViewMode;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly wait: Wait;
  readonly alarm: RaiseAlarm;
}

/**
 * Reads the whole `owners` log and keeps every owner's view (design section 4). The registry is believed in nothing: leaves
 * lead to the root or are thrown away, heads are signed and cosigned and only grow, statements verify or are void, and what
 * is not shown refuses its owner.
 */
export class LogFollower {
  readonly #options: FollowerOptions;
  readonly #heads: HeadKeeper<LeafLine>;
  readonly #owners: FollowedOwners;
  readonly #dates: HeadDates;
  readonly #removals = new Map<string, { readonly owner: string }>();
  /** What was asked for by id of late, in the order of asking, and the answer while it is awaited. */
  readonly #asked = new Map<string, { readonly until: number; answer: Promise<Shown | undefined> }>();
  readonly #raised = new Set<string>();
  readonly #listeners = new Set<(owner: string) => void>();
  readonly #stop = new AbortController();
  #trouble: ErrorCode | null = null;
  #newest = 0;
  #events: VerifiedCheckpoint | null = null;
  /** Changes are made one after another: a pushed removal never meets a head half taken. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: FollowerOptions) {
    this.#options = options;
    const alarm: RaiseAlarm = (code, facts) => this.#raise(code, facts);
    this.#heads = new HeadKeeper(alarm);
    this.#dates = new HeadDates(options.anchor);
    this.#owners = new FollowedOwners(options.mode, (statement) => {
      const head = this.#heads.highest;
      alarm('log.wrong_class', head ? [statement, head.note] : [statement]);
    });
  }

  /** Recalls what was seen before. Throws `store.damaged`, or whatever the memory throws. */
  static async open(options: FollowerOptions): Promise<LogFollower> {
    if (options.anchor.k < 1) throw fail('host.bad_config', 'a log is followed with at least one witness');
    const follower = new LogFollower(options);
    await follower.#recall();
    return follower;
  }

  get #log(): string {
    return `${this.#options.anchor.origin}/owners`;
  }

  async #recall(): Promise<void> {
    const { memory } = this.#options;
    for (;;) {
      const from = this.#heads.size;
      const page = await memory.leaves({ log: this.#log, from, limit: memoryPage });
      for (const [i, { leaf: bytes, statement, cosigns }] of page.entries()) {
        this.#heads.recall(bytes);
        this.#owners.add({ index: from + i, leaf: decodeOwnersLeaf(bytes), statement, cosigns });
      }
      if (page.length < memoryPage) break;
    }
    const head = await memory.head(this.#log);
    if (head) {
      this.#heads.recallHead(head);
      const at = this.#seconds();
      this.#dates.take({ note: head.note, at });
      this.#see(openHead(head.note, this.#options.anchor, 'owners'), at);
    }
    for (const removal of await memory.removals(this.#log)) this.#obey(removal, true);
  }

  /** Follows until `close`. Never throws for what the registry does: it tries again and says so in `trouble`. */
  async run(): Promise<void> {
    const { wait } = this.#options;
    const { signal } = this.#stop;
    let pause: number = retryMs.first;
    while (!signal.aborted) {
      const before = this.#heads.size;
      try {
        await this.#followOnce(signal);
      } catch (error) {
        this.#note(error);
      }
      this.#heads.cut();
      pause = this.#heads.size > before ? retryMs.first : Math.min(pause * 2, retryMs.most);
      if (!signal.aborted) await wait(pause, signal);
    }
  }

  close(): void {
    this.#stop.abort();
  }

  async #followOnce(signal: AbortSignal): Promise<void> {
    const { registry, mode, wait } = this.#options;
    const stream = new AbortController();
    const end = () => stream.abort();
    signal.addEventListener('abort', end);
    const lines = registry.follow(this.#heads.next, mode, stream.signal)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const silence = new AbortController();
        const next = lines.next();
        const quiet = wait(silenceMs, silence.signal).then(() => 'silence' as const);
        // Also where the stream breaks: a wait that is left behind would hold up the end of the process.
        const line = await Promise.race([next, quiet]).finally(() => silence.abort());
        if (line === 'silence') {
          // The stream is left behind; what it may still throw concerns nobody.
          next.catch(() => {});
          throw fail('host.unreachable', 'the registry fell silent');
        }
        if (line.done || signal.aborted) return;
        await this.#inTurn(() => this.#take(line.value));
      }
    } finally {
      signal.removeEventListener('abort', end);
      stream.abort();
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #take(text: string): Promise<void> {
    const line = openLine(text);
    if (line.type === 'leaf') this.#heads.show(line.index, line);
    else if (line.type === 'now') await this.#takeRemoval(line);
    else if (line.log === 'events') this.#takeEvents(line.checkpoint);
    else await this.#takeHead(line.checkpoint);
  }

  async #takeHead(note: string): Promise<void> {
    const head = openHead(note, this.#options.anchor, 'owners');
    const at = this.#seconds();
    this.#see(head, at);
    const covered = this.#heads.check(head, note);
    await this.#remember(covered);
    const from = this.#heads.size;
    this.#heads.take(covered);
    this.#dates.take({ note, at });
    this.#trouble = null;
    const touched = new Set<string>();
    for (const [i, { leaf, statement, cosigns }] of covered.leaves.entries()) {
      this.#owners.add({ index: from + i, leaf, statement, cosigns });
      touched.add(leaf.owner);
    }
    await this.#settleRemovals();
    for (const owner of touched) this.#tell(owner);
  }

  #seconds(): number {
    return Math.floor(this.#options.clock() / 1000);
  }

  /** Also of a head that cannot be taken: then views fall behind, and say so. */
  #see({ cosigned }: VerifiedCheckpoint, at: number): void {
    this.#newest = Math.max(this.#newest, vouchedTime(cosigned, this.#options.anchor.k, at) ?? 0);
  }

  /** Durable before anybody acts on it: after a crash the log cannot be shown younger than it was. */
  async #remember({ head, note, leaves }: Covered<LeafLine>): Promise<void> {
    const { memory } = this.#options;
    const stored = { size: head.size, root: head.root, note };
    let from = this.#heads.size;
    let rest = leaves;
    do {
      const page = rest.slice(0, memoryPage);
      rest = rest.slice(memoryPage);
      const entries = page.map(({ bytes, statement, cosigns }) => ({ leaf: bytes, statement, cosigns }));
      await memory.advance({ log: this.#log, from, leaves: entries, ...(rest.length === 0 && { head: stored }) });
      from += page.length;
    } while (rest.length > 0);
  }

  #takeEvents(note: string): void {
    const head = openHead(note, this.#options.anchor, 'events');
    const known = this.#events;
    if (known && head.size < known.size) {
      this.#raise('log.rolled_back', [known.note, note]);
      throw fail('log.rolled_back', 'events');
    }
    if (known && head.size === known.size && head.root.some((byte, i) => byte !== known.root[i])) {
      this.#raise('log.forked', [known.note, note]);
      throw fail('log.forked', 'events');
    }
    this.#events = head;
  }

  /** The newest head of `events`, once one was shown. */
  get events(): VerifiedCheckpoint | null {
    return this.#events;
  }

  async #takeRemoval(line: { readonly statement: string; readonly cosigns: readonly string[] }): Promise<void> {
    try {
      await this.#offer(line.statement, line.cosigns);
    } catch (error) {
      // A removal that does not hold removes nothing; the stream goes on.
      if (!(error instanceof CaponierError)) throw error;
    }
  }

  /**
   * A freeze or revocation from any source: the owner's own push, a `now` line. In effect, and durable, when it resolves.
   * Throws as `verifyStatement`, `OwnerView.withFreeze`, `OwnerView.withRemoval`, and `owner.unknown`.
   */
  offer(statement: string, cosigns: readonly string[] = []): Promise<void> {
    return this.#inTurn(() => this.#offer(statement, cosigns));
  }

  async #offer(statement: string, cosigns: readonly string[]): Promise<void> {
    const removal = openRemoval(statement, cosigns);
    if (this.#removals.has(removal.id)) return;
    const before = this.#owners.known(removal.owner);
    if (!before) throw fail('owner.unknown');
    const after = withRemoval(before, removal, false);
    if (after === before) return;
    await this.#options.memory.remove({ log: this.#log, removal: { id: removal.id, statement, cosigns } });
    this.#removals.set(removal.id, { owner: removal.owner });
    this.#owners.put(after);
    this.#tell(removal.owner);
  }

  #obey(stored: StandingRemoval, recalled: boolean): void {
    const removal = openRemoval(stored.statement, stored.cosigns);
    const view = this.#owners.known(removal.owner);
    if (!view) return;
    this.#removals.set(removal.id, { owner: removal.owner });
    try {
      this.#owners.put(withRemoval(view, removal, recalled));
    } catch (error) {
      // Signed by a root that was rotated out since.
      if (!(error instanceof CaponierError)) throw error;
    }
  }

  /** Forgets removals that the chain shows by now, or that were lifted. */
  async #settleRemovals(): Promise<void> {
    for (const [id, { owner }] of this.#removals) {
      const view = this.#owners.known(owner);
      const stands =
        view && (view.freezes().some((f) => f.id === id) || view.pendingRemovals().some((r) => r.id === id));
      if (stands) continue;
      await this.#options.memory.settle({ log: this.#log, id });
      this.#removals.delete(id);
    }
  }

  /** An owner's view now. Throws `owner.unknown`, `owner.withheld`, `log.wrong_class`. */
  get(owner: string): DatedView {
    const view = this.#owners.get(owner);
    return { view, asOf: this.#dates.asOf(view), newest: this.#newest, trouble: this.#trouble };
  }

  /** As `get`, after asking by id for statements that were not shown. Bounded in time: `fetchMs` for each statement. */
  async resolve(owner: string): Promise<DatedView> {
    for (let tries = 0; tries < maxFetches; tries++) {
      const waiting = await this.#firstWaiting(owner);
      if (!waiting || !(await this.#fetch(waiting))) break;
    }
    return this.get(owner);
  }

  async #firstWaiting(owner: string): Promise<ShownLeaf | undefined> {
    const [index] = this.#owners.waiting(owner);
    if (index === undefined) return undefined;
    const [stored] = await this.#options.memory.leaves({ log: this.#log, from: index, limit: 1 });
    return stored && { ...stored, index, leaf: decodeOwnersLeaf(stored.leaf) };
  }

  /** The network is waited for outside the turn: a registry that does not answer must not hold up a freeze. */
  async #fetch(waiting: ShownLeaf): Promise<boolean> {
    if (waiting.statement !== null && (await this.#fill(waiting, waiting.statement, waiting.cosigns))) return true;
    const shown = await this.#ask(waiting.leaf.id);
    if (shown === undefined) return false;
    const isFilled = await this.#fill(waiting, shown.statement, shown.cosigns);
    // Somebody who waited for the same answer may have been first.
    return isFilled || this.#owners.waiting(waiting.leaf.owner)[0] !== waiting.index;
  }

  /**
   * Threat: whoever names an owner that this reader may not read, in a request that costs him one signature, makes it ask the
   * registry, again and again, until the registry takes its reader for the attacker. Measure: once in `askAgainMs` a statement.
   */
  #ask(id: string): Promise<Shown | undefined> {
    const now = this.#options.clock();
    const before = this.#asked.get(id);
    if (before && before.until > now) return before.answer;
    this.#asked.delete(id);
    if (this.#asked.size >= maxAsked) this.#asked.delete(this.#asked.keys().next().value as string);
    const answer = this.#askNow(id);
    const asked = { until: now + askAgainMs, answer };
    this.#asked.set(id, asked);
    void answer.then(() => {
      asked.answer = Promise.resolve(undefined);
    });
    return answer;
  }

  async #askNow(id: string): Promise<Shown | undefined> {
    const { registry, wait } = this.#options;
    const done = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, done.signal]);
    const answer = registry.statement(id, signal).catch(() => undefined);
    const shown = await Promise.race([answer, wait(fetchMs, signal).then(() => undefined)]);
    done.abort();
    return shown;
  }

  /** A statement that the log names and did not show, from elsewhere: the owner's own device. False where none waits for it. */
  async supply(owner: string, statement: string, cosigns: readonly string[]): Promise<boolean> {
    const waiting = await this.#firstWaiting(owner);
    return waiting !== undefined && this.#fill(waiting, statement, cosigns);
  }

  #fill({ index, leaf }: ShownLeaf, statement: string, cosigns: readonly string[]): Promise<boolean> {
    return this.#inTurn(async () => {
      if (!this.#owners.retry({ index, leaf, statement, cosigns })) return false;
      await this.#options.memory.fill({ log: this.#log, index, statement, cosigns });
      await this.#settleRemovals();
      this.#tell(leaf.owner);
      return true;
    });
  }

  /** The age of a view in seconds; see `requireFresh`. */
  requireFresh(dated: DatedView, purpose: Purpose): number {
    return requireFresh(dated, purpose, this.#options.clock());
  }

  /** Every owner followed, resolved or not. */
  owners(): OwnerView[] {
    return this.#owners.all();
  }

  /** Calls back with the owner's id after each change to a view. Returns how to stop. */
  onChange(listener: (owner: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For `doctor`: leaves covered, how new the newest head is in seconds, and why the log is not believed, if it is not. */
  get status(): { readonly size: number; readonly newest: number; readonly trouble: ErrorCode | null } {
    return { size: this.#heads.size, newest: this.#newest, trouble: this.#trouble };
  }

  #tell(owner: string): void {
    for (const listener of this.#listeners) listener(owner);
  }

  #note(error: unknown): void {
    const { code } = entryOf(error);
    // A registry that cannot be reached makes views old, and age refuses them; one that lies refuses them at once.
    if (code.startsWith('log.')) this.#trouble = code;
  }

  #raise(code: ErrorCode, facts: readonly string[]): void {
    const known = `${code} ${facts.join(' ')}`;
    if (this.#raised.has(known) || this.#raised.size >= maxRaised) return;
    this.#raised.add(known);
    this.#options.alarm(
      code,
      facts.filter((fact) => fact.length <= maxFact),
    );
  }
}

/** A statement as the registry shows it. */
interface Shown {
  readonly statement: string;
  readonly cosigns: readonly string[];
}

interface OpenRemoval {
  readonly id: string;
  readonly owner: string;
  readonly statement: Verified<'freeze'> | Verified<'revoke'>;
  readonly cosigns: readonly Verified<'cosign'>[];
}

function openRemoval(jws: string, cosigns: readonly string[]): OpenRemoval {
  const statement = verifyStatement(jws, 'freeze', 'revoke');
  const owner = isFreeze(statement) ? statement.payload.aud : statement.payload.owner;
  return { id: statement.id, owner, statement, cosigns: openCosigns(cosigns) };
}

function withRemoval(view: OwnerView, { statement, cosigns }: OpenRemoval, recalled: boolean): OwnerView {
  if (!isFreeze(statement)) {
    const after = view.withRemoval(statement, cosigns);
    return after.pendingRemovals().some((r) => r.id === statement.id) ? after : view;
  }
  const after = recalled ? view.recallFreeze(statement) : view.withFreeze(statement);
  return after.isThawed(statement.id) ? view : after;
}

const isFreeze = (statement: Verified<'freeze'> | Verified<'revoke'>): statement is Verified<'freeze'> =>
  statement.kind === 'freeze';
