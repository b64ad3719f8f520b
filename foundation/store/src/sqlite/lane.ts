import { fail } from '@caponier/protocol/errors';
import type { Failure } from './errors.ts';
import type { Answers, Call } from './messages.ts';

/** Operations in one transaction: bounds how long the first of them waits for the last. */
export const MAX_BATCH = 1_024;

/** A call and whoever waits for it. */
export interface Waiting {
  readonly call: Call;
  readonly bytes: number;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Calls of one kind: those that wait for the thread, and the batch that it has. */
export class Lane {
  waiting: Waiting[] = [];
  flying: Waiting[] = [];
  /** Whether the batch that it has still takes more. */
  open = false;

  get size(): number {
    return this.waiting.length + this.flying.length;
  }

  /** One batch is under way at a time: what arrives after its end becomes the next, so the batch grows with the load. */
  get maySend(): boolean {
    return this.open || this.flying.length === 0;
  }

  /** What goes to the thread now. The batch stays open if `more` is to come and there is room. */
  send(more: boolean): Call[] {
    const sent = this.waiting.splice(0, MAX_BATCH - this.flying.length);
    this.flying.push(...sent);
    this.open = more && this.flying.length < MAX_BATCH;
    return sent.map(({ call }) => call);
  }

  /** Settles what was flying, and says how many bytes that frees. */
  settle({ values, failures }: Answers): number {
    const settled = this.flying;
    this.flying = [];
    for (const [index, failure] of failures) settled[index]?.reject(fail(failure.code, failure.detail));
    // A promise is settled once: those that failed are past this.
    let bytes = 0;
    settled.forEach((waiting, index) => {
      waiting.resolve(values[index]);
      bytes += waiting.bytes;
    });
    return bytes;
  }

  refuseAll(failure: Failure): void {
    for (const { reject } of [...this.flying.splice(0), ...this.waiting.splice(0)]) {
      reject(fail(failure.code, failure.detail));
    }
  }
}
