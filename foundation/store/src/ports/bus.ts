/** Messages that may wait for one subscriber, unless said otherwise. */
export const MAX_BUS_MESSAGES = 1_024;

/** Bytes that may wait for one subscriber, unless said otherwise. */
export const MAX_BUS_BYTES = 8 * 1024 * 1024;

/** Bytes of one message. */
export const MAX_BUS_MESSAGE = 1024 * 1024;

/** Why a message did not reach a subscriber. */
export type DropReason = 'too_many_messages' | 'too_many_bytes' | 'handler_failed' | 'closed';

export interface BusSubscription {
  /** Messages that this subscriber did not get, by reason. */
  readonly drops: Readonly<Record<DropReason, number>>;
  /** Ends it; what still waits is dropped as `closed`. */
  close(): void;
}

export interface SubscribeOptions {
  /** Default `MAX_BUS_MESSAGES`. */
  readonly maxMessages?: number;
  /** Default `MAX_BUS_BYTES`. */
  readonly maxBytes?: number;
}

/**
 * Live messages by subject. At most once: nothing is kept for who is not subscribed, and a subscriber that is too slow
 * loses the newest messages, counted by reason. What must last goes through a store; the bus only says that it is there.
 */
export interface Bus {
  /**
   * Hands a message to every subscriber of exactly this subject, never waiting for one. The bytes are not changed
   * afterwards. Throws `store.full` for a message above `MAX_BUS_MESSAGE`, `store.unavailable` once closed.
   */
  publish(subject: string, message: Uint8Array): void;
  /** Calls `handler` with one message at a time, in the order of publication, waiting for the promise it returns. */
  subscribe(
    subject: string,
    handler: (message: Uint8Array) => void | Promise<void>,
    options?: SubscribeOptions,
  ): BusSubscription;
  /** Ends every subscription. */
  close(): Promise<void>;
}
