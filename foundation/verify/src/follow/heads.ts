import { crypto } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { CompactRange, leafHash, logKey, openCheckpoint, type VerifiedCheckpoint, witnessKey } from '@caponier/tlog';
import type { LogAnchor, RaiseAlarm, StoredHead } from './ports.ts';

/** The highest head of a log: it only grows, and every root is computed from the leaves themselves. */

/** Bytes and number of leaves that may arrive before a head covers them. */
export const maxUncoveredLeaves = 250_000;
export const maxUncoveredBytes = 256 * 1024 * 1024;

export function openHead(note: string, anchor: LogAnchor, log: 'owners' | 'events'): VerifiedCheckpoint {
  return openCheckpoint(note, {
    log: logKey(`${anchor.origin}/${log}`, anchor.key),
    witnesses: anchor.witnesses.map(({ name, key }) => witnessKey(name, key)),
    k: anchor.k,
  });
}

/** A head that the leaves do lead to, and the leaves that it covers for the first time. */
export interface Covered<L> {
  readonly head: VerifiedCheckpoint;
  readonly note: string;
  readonly leaves: readonly L[];
}

export class HeadKeeper<L extends { readonly bytes: Uint8Array; readonly weight: number }> {
  readonly #alarm: RaiseAlarm;
  #range = CompactRange.empty();
  #highest: StoredHead | null = null;
  #uncovered: L[] = [];
  #weight = 0;

  constructor(alarm: RaiseAlarm) {
    this.#alarm = alarm;
  }

  /** The number of leaves that a head covered. */
  get size(): number {
    return this.#range.size;
  }

  /** The index of the leaf that comes next. */
  get next(): number {
    return this.#range.size + this.#uncovered.length;
  }

  get highest(): StoredHead | null {
    return this.#highest;
  }

  /** A leaf from memory: a head covered it before. */
  recall(leaf: Uint8Array): void {
    this.#range.append(leafHash(leaf));
  }

  /** The head from memory, after its leaves. Throws `store.damaged`. */
  recallHead(head: StoredHead): void {
    if (head.size === this.#range.size && !crypto.equal(head.root, this.#range.root()))
      throw fail('store.damaged', 'remembered leaves do not lead to the remembered head');
    if (head.size > this.#range.size) throw fail('store.damaged', 'remembered leaves are missing');
    this.#highest = head;
  }

  /** Throws `log.bad_leaf` for one out of order, or too many before a head. */
  show(index: number, leaf: L): void {
    if (index !== this.next) throw fail('log.bad_leaf', `leaf ${index} where ${this.next} comes next`);
    this.#weight += leaf.weight;
    if (this.#uncovered.length >= maxUncoveredLeaves || this.#weight > maxUncoveredBytes)
      throw fail('log.bad_leaf', 'too much before a head');
    this.#uncovered.push(leaf);
  }

  /** Forgets the leaves no head covered: the stream that showed them was cut. */
  cut(): void {
    this.#uncovered = [];
    this.#weight = 0;
  }

  /**
   * What a verified head covers anew. Nothing changes until `take`.
   * Throws `log.rolled_back` and `log.forked`, each after an alarm with both heads, and `log.bad_leaf`.
   */
  check(head: VerifiedCheckpoint, note: string): Covered<L> {
    const { size } = this.#range;
    if (head.size < size) throw this.#raise('log.rolled_back', note, `${head.size} after ${size}`);
    const leaves = this.#uncovered.slice(0, head.size - size);
    if (size + leaves.length < head.size) throw fail('log.bad_leaf', 'a head over leaves that were not shown');
    const range = this.#range.copy();
    for (const leaf of leaves) range.append(leafHash(leaf.bytes));
    if (!crypto.equal(range.root(), head.root)) throw this.#raise('log.forked', note, `at ${head.size}`);
    return { head, note, leaves };
  }

  take({ head, note, leaves }: Covered<L>): void {
    for (const leaf of leaves) {
      this.#range.append(leafHash(leaf.bytes));
      this.#weight -= leaf.weight;
    }
    this.#uncovered = this.#uncovered.slice(leaves.length);
    this.#highest = { size: head.size, root: head.root, note };
  }

  #raise(code: 'log.rolled_back' | 'log.forked', note: string, detail: string) {
    this.#alarm(code, this.#highest ? [this.#highest.note, note] : [note]);
    return fail(code, detail);
  }
}
