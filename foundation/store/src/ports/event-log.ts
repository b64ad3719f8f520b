import type { Did } from '@caponier/protocol';

/** Salt of an event's body, bytes: too many to guess a short body from its digest. */
export const EVENT_SALT_BYTES = 16;

/** Bytes of one event's body. */
export const MAX_EVENT_BODY = 64 * 1024;

/** Events in one answer, and in one publication to the `events` log. */
export const MAX_EVENTS_READ = 1_024;

export interface NewEvent {
  /** Whose chain. */
  readonly service: Did;
  /** `EVENT_SALT_BYTES` random bytes. */
  readonly salt: Uint8Array;
  /** At most `MAX_EVENT_BODY` bytes; what they mean is the service's affair. */
  readonly body: Uint8Array;
  /** Milliseconds since the epoch, for the service's own eyes: not part of the chain. */
  readonly at: number;
}

/** Where an event stands. */
export interface EventPlace {
  readonly index: number;
  /** Hash of the event before, or `firstPrev(service)`; 32 bytes. */
  readonly prev: Uint8Array;
  /** `eventHash(index, prev, digest)`; 32 bytes, also the leaf in the `events` log. */
  readonly hash: Uint8Array;
}

export interface StoredEvent extends EventPlace {
  readonly at: number;
  /** SHA-256(salt ‖ body), 32 bytes. Stays when the body is redacted. */
  readonly digest: Uint8Array;
  readonly salt: Uint8Array | null;
  readonly body: Uint8Array | null;
  /** Index of the leaf in the `events` log, once published. */
  readonly leaf: number | null;
}

/**
 * One hash chain of events per service. It only grows; a redacted event keeps its place and its hash.
 *
 * Where an event must be written together with a service's other rows, the service calls the function `appendEvent`
 * inside its own operation instead: same semantics, same transaction.
 */
export interface EventLog {
  /** Appends at the end of the chain; durable when it resolves. Throws `statement.too_large` for a body above the limit. */
  append(event: NewEvent): Promise<EventPlace>;
  /** The newest event, or undefined. */
  head(service: Did): Promise<EventPlace | undefined>;
  /** Events from index `from` on, in order, at most `limit` and `MAX_EVENTS_READ`. */
  read(query: { service: Did; from: number; limit: number }): Promise<StoredEvent[]>;
  /** The oldest events without a leaf, in order, at most `limit` and `MAX_EVENTS_READ`. */
  unpublished(query: { service: Did; limit: number }): Promise<EventPlace[]>;
  /** Notes the leaves that the log gave. Throws `log.forked` where an event has another leaf already. */
  published(args: { service: Did; leaves: readonly { index: number; leaf: number }[] }): Promise<void>;
  /** Forgets salt and body of one event for ever; the rest stays. Returns false where there is no such event. */
  redact(args: { service: Did; index: number }): Promise<boolean>;
  /**
   * Recomputes the chain from `from` over at most `limit` events and returns the index after the last one checked.
   * Throws `store.damaged` at the first event that does not fit.
   */
  check(query: { service: Did; from: number; limit: number }): Promise<number>;
}
