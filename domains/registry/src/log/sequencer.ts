import { CaponierError, crypto } from '@caponier/crypto';
import { fail, limits, type Signer } from '@caponier/protocol';
import {
  leafHash,
  logKey,
  type NodeReader,
  nodesFromTiles,
  openCheckpoint,
  rangeRoot,
  signCheckpoint,
  type TileReader,
  TreeEdge,
  type VerifiedCheckpoint,
} from '@caponier/tlog';
import { MAX_BATCH_JOBS, MAX_PUBLISH_WAIT_MS, MAX_QUEUED_BYTES, TICK_MS } from '../limits.ts';
import type { Integration, RegistryStore } from '../store.ts';
import { Loop } from './loop.ts';
import type { WitnessClient } from './witness-client.ts';
import { isFatal, Witnessing } from './witnessing.ts';

/** What a batch of jobs comes to: an answer or a refusal for each, in order, and what goes into the log for all. */
export interface Plan<Result> {
  readonly answers: readonly ({ readonly result: Result; readonly size: number } | { readonly error: unknown })[];
  readonly adds: Pick<Integration, 'entries' | 'statements' | 'readers' | 'approvers' | 'thawed'>;
  /** Called once the batch is durable. */
  committed(): void;
}

export interface SequencerOptions<Job, Result> {
  readonly log: Integration['log'];
  readonly origin: string;
  readonly store: RegistryStore;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Runs something again and again; gives what stops it. */
  readonly every: (ms: number, run: () => void) => () => void;
  readonly signer: Signer;
  readonly witnesses: readonly WitnessClient[];
  readonly k: number;
  /** Decides about a batch that will stand from `size` on. A job's `size` is that of the smallest tree that holds it. */
  readonly plan: (jobs: readonly Job[], size: number) => Promise<Plan<Result>>;
  /** There is a new cosigned head, durable. */
  readonly onHead: () => void;
  /** The log ends here: `log.rolled_back`, `log.forked`, `store.damaged`. */
  readonly onHalt: (error: unknown) => void;
}

/**
 * One log. Two loops run beside each other, each one step at a time:
 *
 * - integrate: takes what waits, plans it, and makes leaves, tiles and statements durable in one transaction;
 * - publish: signs the newest tree, has it cosigned, makes the checkpoint durable, and then answers everybody whose leaves
 *   it covers.
 *
 * So many writers share an fsync and a round of the witnesses, and the next batch is integrated while the last is cosigned.
 * A crash between the two leaves a tree larger than its checkpoint; the next start publishes it. A head is signed only over
 * a tree that is durable: a log that signed what it then forgot would look like a fork for ever.
 */
export class Sequencer<Job, Result> {
  readonly #options: SequencerOptions<Job, Result>;
  readonly #witnessing: Witnessing;
  #edge: TreeEdge;
  #head: VerifiedCheckpoint | null;
  #publishedAt = Number.NEGATIVE_INFINITY;
  #queue: Waiting<Job, Result>[] = [];
  #queuedBytes = 0;
  #integrated: Integrated<Job, Result>[] = [];
  readonly #integrating = new Loop(() => this.#integrate());
  readonly #publishing = new Loop(() => this.#publish());
  #ended: unknown;
  readonly #stop: () => void;

  private constructor(
    options: SequencerOptions<Job, Result>,
    witnessing: Witnessing,
    edge: TreeEdge,
    head: VerifiedCheckpoint | null,
  ) {
    this.#options = options;
    this.#witnessing = witnessing;
    this.#edge = edge;
    this.#head = head;
    this.#stop = options.every(TICK_MS, () => this.#kick());
  }

  /**
   * Reads the log back, checks that tree and checkpoint belong together and that no witness knows more, and tries once to
   * publish what a crash left unpublished. Throws `store.damaged`, `log.rolled_back`, `log.forked`.
   */
  static async start<Job, Result>(options: SequencerOptions<Job, Result>): Promise<Sequencer<Job, Result>> {
    const { store, log, origin, signer } = options;
    const { size, note } = await store.log(log);
    const edge = await TreeEdge.restore(size, tilesOf(store, log));
    const key = logKey(origin, signer.did);
    const policy = { log: key, witnesses: options.witnesses.map((w) => w.key), k: 0 };
    const head = note === null ? null : openCheckpoint(note, policy);
    const nodes = nodesFromTiles(size, tilesOf(store, log));
    if (head && (head.size > size || !crypto.equal(await rangeRoot(0, head.size, nodes), head.root)))
      throw fail('store.damaged', 'tree and checkpoint do not belong together');
    const witnessing = new Witnessing(key, options.witnesses, options.k);
    await witnessing.check({ size, nodes });
    const sequencer = new Sequencer(options, witnessing, edge, head);
    sequencer.#kick();
    await sequencer.#publishing.idle();
    if (isFatal(sequencer.#ended)) throw sequencer.#ended;
    return sequencer;
  }

  /** The newest cosigned head. Throws `log.not_enough_witnesses` before the first, and what ended the log. */
  head(): VerifiedCheckpoint {
    if (this.#ended) throw this.#ended;
    if (!this.#head) throw fail('log.not_enough_witnesses', 'no head was cosigned yet');
    return this.#head;
  }

  /** The same, null before the first. */
  newest(): VerifiedCheckpoint | null {
    return this.#head;
  }

  /** Inner nodes of the tree of this size, which is at most the head's. */
  nodes(size: number): NodeReader {
    return nodesFromTiles(size, tilesOf(this.#options.store, this.#options.log));
  }

  /**
   * Resolves when the job's leaves are durable and covered by a cosigned head. Rejects with the plan's refusal, with
   * `log.not_enough_witnesses` when the witnesses do not answer in time (the leaves stand and will be published), or with
   * `store.unavailable` when too much waits.
   */
  submit(job: Job, bytes: number): Promise<{ readonly result: Result; readonly checkpoint: VerifiedCheckpoint }> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#queuedBytes + bytes > MAX_QUEUED_BYTES)
      return Promise.reject(fail('store.unavailable', 'too much is waiting'));
    this.#queuedBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#queue.push({ job, bytes, resolve, reject });
      this.#kick();
    });
  }

  async close(): Promise<void> {
    this.#stop();
    this.#ended ??= fail('store.unavailable', 'closed');
    await Promise.all([this.#integrating.idle(), this.#publishing.idle()]);
    this.#rejectAll();
  }

  #kick(): void {
    if (this.#ended) return;
    this.#integrating.kick();
    this.#publishing.kick();
    const late = (waiting: Integrated<Job, Result>) => waiting.deadline <= this.#options.clock();
    for (const waiting of this.#integrated.filter(late))
      waiting.reject(fail('log.not_enough_witnesses', 'not in time'));
    this.#integrated = this.#integrated.filter((waiting) => !late(waiting));
  }

  async #integrate(): Promise<void> {
    while (this.#queue.length > 0 && !this.#ended) {
      const batch = this.#queue.splice(0, MAX_BATCH_JOBS);
      for (const { bytes } of batch) this.#queuedBytes -= bytes;
      try {
        for (const [i, answer] of (await this.#add(batch)).entries()) this.#answer(batch[i]!, answer);
      } catch (error) {
        for (const { reject } of batch) reject(error);
        if (isFatal(error)) this.#end(error);
      }
      this.#publishing.kick();
    }
  }

  async #add(batch: readonly Waiting<Job, Result>[]): Promise<Plan<Result>['answers']> {
    const { log, store, clock, plan } = this.#options;
    const from = this.#edge.size;
    const jobs = batch.map(({ job }) => job);
    const { answers, adds, committed } = await plan(jobs, from);
    const { edge, tiles } = this.#edge.grow(adds.entries.map(leafHash));
    if (adds.entries.length > 0) {
      try {
        await store.integrate({ log, from, tiles, at: clock(), ...adds });
      } catch (error) {
        // A full disk changed nothing. Otherwise it is not known what the disk holds, and nothing may be built on what we
        // believe: the next start reads it back.
        if (error instanceof CaponierError && error.code === 'store.full') throw error;
        throw fail('store.damaged', 'it is not known whether a batch was written', error);
      }
    }
    this.#edge = edge;
    committed();
    return answers;
  }

  #answer(waiting: Waiting<Job, Result>, answer: Plan<Result>['answers'][number]): void {
    // The log may have ended while this was being written: nobody will answer it later.
    if ('error' in answer || this.#ended) {
      waiting.reject('error' in answer ? answer.error : this.#ended);
      return;
    }
    const { result, size } = answer;
    if (this.#head && size <= this.#head.size) waiting.resolve({ result, checkpoint: this.#head });
    else this.#integrated.push({ ...waiting, result, size, deadline: this.#options.clock() + MAX_PUBLISH_WAIT_MS });
  }

  async #publish(): Promise<void> {
    const { clock, log, onHead, origin, signer, store, witnesses, k } = this.#options;
    while (!this.#ended && this.#isDue()) {
      const edge = this.#edge;
      try {
        const head = { origin, size: edge.size, root: edge.root() };
        const note = await signCheckpoint(head, signer);
        const lines = await this.#witnessing.cosign({ ...head, note, nodes: this.nodes(edge.size) });
        const policy = { log: logKey(origin, signer.did), witnesses: witnesses.map((w) => w.key), k };
        const checkpoint = openCheckpoint(note + lines, policy);
        await store.publish({ log, note: checkpoint.note });
        this.#head = checkpoint;
        this.#publishedAt = clock();
      } catch (error) {
        if (isFatal(error)) this.#end(error);
        return;
      }
      const head = this.#head;
      onHead();
      for (const { size, result, resolve } of this.#integrated)
        if (size <= head.size) resolve({ result, checkpoint: head });
      this.#integrated = this.#integrated.filter(({ size }) => size > head.size);
    }
  }

  #isDue(): boolean {
    if (!this.#head || this.#head.size < this.#edge.size) return true;
    return this.#options.clock() - this.#publishedAt >= limits.quietLogSeconds * 1000;
  }

  #end(error: unknown): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#stop();
    this.#rejectAll();
    this.#options.onHalt(error);
  }

  #rejectAll(): void {
    for (const { reject } of [...this.#queue, ...this.#integrated]) reject(this.#ended);
    this.#queue = [];
    this.#integrated = [];
  }
}

interface Waiting<Job, Result> {
  readonly job: Job;
  readonly bytes: number;
  resolve(answer: { readonly result: Result; readonly checkpoint: VerifiedCheckpoint }): void;
  reject(error: unknown): void;
}

/** Durable, and waiting for a head that covers it; `deadline` in milliseconds. */
interface Integrated<Job, Result> extends Waiting<Job, Result> {
  readonly result: Result;
  readonly size: number;
  readonly deadline: number;
}

function tilesOf(store: RegistryStore, log: Integration['log']): TileReader {
  return async (level, index) => {
    const hashes = await store.tile({ log, level, index });
    if (!hashes) throw fail('store.damaged', `tile ${level}/${index} is missing`);
    return hashes;
  };
}
