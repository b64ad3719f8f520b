import { type Did, registryWire } from '@caponier/protocol';
import type { EventLog } from './ports/event-log.ts';

/** Where event hashes go: the deployment's `events` log. */
export interface EventSink {
  /**
   * Adds leaves of 32 bytes in this order and resolves with the index of each, once a cosigned checkpoint covers them. A
   * leaf that is there already keeps its index.
   */
  submit(leaves: readonly Uint8Array[]): Promise<readonly number[]>;
  /** The C2SP tlog-proof file of a leaf under the newest checkpoint. */
  prove(leaf: number): Promise<string>;
}

export interface PublisherOptions {
  readonly log: EventLog;
  /** Whose chain. */
  readonly service: Did;
  readonly sink: EventSink;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** Resolves after so many milliseconds; the runtime's timer where it is left out. */
  readonly wait?: (ms: number) => Promise<void>;
  /** Told of every attempt that failed. */
  readonly onFailure?: (error: unknown) => void;
}

export interface EventPublisher {
  /** To be called after an event was appended. */
  kick(): void;
  /** Milliseconds for which the oldest event has been waiting that the log does not have; 0 when all are there. */
  behind(): number;
  /** Resolves when every event is in the log that was appended before the call, or the publisher was closed. */
  drained(): Promise<void>;
  /** Stops after the attempt that is under way. What is left is published after the next start. */
  close(): Promise<void>;
}

/** Milliseconds between attempts after a failure: first, and longest; doubled in between. */
export const RETRY_MS = { first: 250, longest: 5_000 } as const;

/**
 * Hands a service's events to the log: in order, in batches, tried again until it has them. Starts with whatever the last
 * run left behind. The chain says what is published, so nothing is lost or counted twice when the process ends in between.
 */
export function createEventPublisher(options: PublisherOptions): EventPublisher {
  const { log, service, sink, clock, onFailure } = options;
  const wait = options.wait ?? ((ms) => new Promise<void>((resolve) => setTimeout(resolve, ms).unref()));
  let behindSince: number | null = clock();
  let closed = false;
  let kicked = true;
  let wake: () => void = () => {};
  let waiters: (() => void)[] = [];
  const ended = Promise.withResolvers<void>();
  const release = () => {
    for (const resolve of waiters) resolve();
    waiters = [];
  };

  /** True when the log has everything. */
  async function publishBatch(): Promise<boolean> {
    const events = await log.unpublished({ service, limit: registryWire.registryMaxEvents });
    if (events.length === 0) return true;
    const indices = await sink.submit(events.map(({ hash }) => hash));
    if (indices.length !== events.length) throw new Error('the log answered for another number of leaves');
    await log.published({ service, leaves: events.map(({ index }, i) => ({ index, leaf: indices[i]! })) });
    return false;
  }

  async function run(): Promise<void> {
    let pause: number = RETRY_MS.first;
    while (!closed) {
      kicked = false;
      try {
        const done = await publishBatch();
        pause = RETRY_MS.first;
        if (!done) continue;
      } catch (error) {
        onFailure?.(error);
        await Promise.race([wait(pause), ended.promise]);
        pause = Math.min(pause * 2, RETRY_MS.longest);
        continue;
      }
      if (kicked || closed) continue;
      behindSince = null;
      release();
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    release();
  }

  const running = run();
  return {
    kick() {
      kicked = true;
      behindSince ??= clock();
      wake();
    },
    behind: () => (behindSince === null ? 0 : Math.max(0, clock() - behindSince)),
    drained: () => (behindSince === null ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
    async close() {
      closed = true;
      ended.resolve();
      wake();
      await running;
    },
  };
}
