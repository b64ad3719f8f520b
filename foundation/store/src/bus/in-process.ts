import { fail } from '@caponier/protocol';
import {
  type Bus,
  type BusSubscription,
  type DropReason,
  MAX_BUS_BYTES,
  MAX_BUS_MESSAGE,
  MAX_BUS_MESSAGES,
  type SubscribeOptions,
} from '../ports/bus.ts';

type Handler = (message: Uint8Array) => void | Promise<void>;

class Subscription implements BusSubscription {
  readonly drops: Record<DropReason, number> = {
    too_many_messages: 0,
    too_many_bytes: 0,
    handler_failed: 0,
    closed: 0,
  };
  readonly #handler: Handler;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #forget: () => void;
  #queue: Uint8Array[] = [];
  #bytes = 0;
  #running = false;
  #closed = false;

  constructor(handler: Handler, options: SubscribeOptions, forget: () => void) {
    this.#handler = handler;
    this.#maxMessages = options.maxMessages ?? MAX_BUS_MESSAGES;
    this.#maxBytes = options.maxBytes ?? MAX_BUS_BYTES;
    this.#forget = forget;
  }

  offer(message: Uint8Array): void {
    if (this.#queue.length >= this.#maxMessages) this.drops.too_many_messages++;
    else if (this.#bytes + message.length > this.#maxBytes) this.drops.too_many_bytes++;
    else {
      this.#queue.push(message);
      this.#bytes += message.length;
      if (!this.#running) void this.#run();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.drops.closed += this.#queue.length;
    this.#queue = [];
    this.#bytes = 0;
    this.#forget();
  }

  async #run(): Promise<void> {
    this.#running = true;
    // The publisher's own stack ends first: a handler that publishes cannot recurse into itself.
    await Promise.resolve();
    for (let message = this.#queue.shift(); message; message = this.#queue.shift()) {
      this.#bytes -= message.length;
      try {
        await this.#handler(message);
      } catch {
        this.drops.handler_failed++;
      }
    }
    this.#running = false;
  }
}

/** The bus of one process. */
export function createInProcessBus(): Bus {
  const subjects = new Map<string, Set<Subscription>>();
  let closed = false;
  return {
    publish(subject, message) {
      if (closed) throw fail('store.unavailable', 'the bus is closed');
      if (message.length > MAX_BUS_MESSAGE) throw fail('store.full', 'bus message');
      for (const subscription of subjects.get(subject) ?? []) subscription.offer(message);
    },
    subscribe(subject, handler, options = {}) {
      if (closed) throw fail('store.unavailable', 'the bus is closed');
      const listeners = subjects.get(subject) ?? new Set();
      subjects.set(subject, listeners);
      const subscription: Subscription = new Subscription(handler, options, () => {
        listeners.delete(subscription);
        if (listeners.size === 0 && subjects.get(subject) === listeners) subjects.delete(subject);
      });
      listeners.add(subscription);
      return subscription;
    },
    async close() {
      closed = true;
      for (const listeners of [...subjects.values()]) for (const subscription of [...listeners]) subscription.close();
    },
  };
}
