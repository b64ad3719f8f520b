import { fail } from '@caponier/protocol';
import type { SignedNeed } from '../owner/types.ts';
import { deferred, Queue } from '../sync/queue.ts';

/** The side of a person in a conversation that runs: events go out, answers come in. */
export class Conversation<E> {
  readonly events = new Queue<E>();
  readonly confirmed = deferred<boolean>();
  readonly signed = deferred<SignedNeed>();
  readonly #stop = new AbortController();

  /** Runs the work until it ends or is cancelled; its end is the end of the events. */
  run(work: (signal: AbortSignal) => Promise<void>): void {
    const cancelled = new Promise<never>((_, reject) => {
      this.#stop.signal.addEventListener('abort', () => reject(fail('code.declined', 'cancelled')), { once: true });
    });
    Promise.race([work(this.#stop.signal), cancelled]).then(
      () => this.events.end(),
      (error: unknown) => this.events.end(error),
    );
  }

  cancel(): void {
    this.#stop.abort();
  }
}
