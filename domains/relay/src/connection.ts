import { fail, relayNumbered } from '@caponier/protocol';
import type { Admitted, Proof } from './admission/admission.ts';
import type { RelayLink, RelaySocket } from './socket.ts';

/** Latin-1 text of a key: the cheapest name under which a map finds 32 bytes. */
export function nameOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

/** Mail on its way to the one connection that listens for it. */
export interface MailFeed {
  /** Number of the last mail given to this connection. */
  next: number;
  /** What it has acknowledged. */
  acked: number;
  /** Numbers and sizes of what was given and not acknowledged, oldest first. */
  readonly flying: { readonly seq: number; readonly bytes: number }[];
  flyingBytes: number;
  /** True while the store is read; `again` when there was more to read meanwhile. */
  reading: boolean;
  again: boolean;
  /** Highest acknowledgement not yet written, and whether one is being written. */
  ackWanted: number;
  acking: boolean;
}

/** One device, while it is connected. */
export interface Slot {
  readonly device: Admitted;
  readonly name: string;
  readonly connections: Set<Connection>;
  /** The connections that take this device's mail, and streams that are opened to it: the newest that asked. */
  mail: Connection | null;
  streams: Connection | null;
}

/** One end of a stream. */
export interface Half {
  readonly connection: Connection;
  /** Its number on this connection. */
  readonly channel: number;
  /** The other end; null while it is looked for. */
  peer: Half | null;
  /** Bytes of `data` frames that may still come from this end. */
  credit: number;
  open: boolean;
  /** When it was asked for, in milliseconds. */
  since: number;
}

/** A party of a meeting, and the number the meeting has on its connection. */
export interface Party {
  readonly connection: Connection;
  readonly channel: number;
}

export interface Meeting {
  readonly name: string;
  readonly opener: Party;
  joiner: Party | null;
  /** When it was opened, in milliseconds. */
  since: number;
  bytesLeft: number;
}

/** What happens to connections: the relay. */
export interface ConnectionHandler {
  receive(connection: Connection, message: Uint8Array | null): void;
  ended(connection: Connection): void;
}

/**
 * One connection. `new`: nothing proven. `proving`: its `hello` is being judged. `ready`: a device. `guest`: in a
 * meeting, nothing else. `closed`: frames are ignored. What few connections have is made when first needed: an idle
 * connection is to cost little.
 */
export class Connection implements RelayLink {
  readonly #handler: ConnectionHandler;
  readonly socket: RelaySocket;
  readonly group: string;
  state: 'new' | 'proving' | 'ready' | 'guest' | 'closed' = 'new';
  /** When it came (or its proof began), when it was heard last, when it was asked and when it was closed; milliseconds. */
  since: number;
  heard: number;
  asked = 0;
  closedAt = 0;
  /** At the last look: bytes that waited for it; since when they do not shrink; since when a message of it is not whole. */
  buffered = 0;
  stalledSince = 0;
  begunSince = 0;
  challenge: Uint8Array | null = null;
  /** Whether it counts among those that have proven nothing. */
  stranger = true;
  /** Before it is ready: bytes heard, bytes of a message that is not whole, and the beginning of a long chain. */
  greeted = 0;
  begun = 0;
  chain: string[] | null = null;
  /** What it shows to be let in, while that waits or is judged. */
  proof: Proof | null = null;
  /** Whether its `hello` is of a device that is not known here. */
  unknown = false;

  device: Admitted | null = null;
  slot: Slot | null = null;
  feed: MailFeed | null = null;
  streams: Map<number, Half> | null = null;
  /** The next number of a stream that the device opens, and of one that comes to it. */
  nextOpen = 1;
  nextIncoming = relayNumbered;
  meetings: Map<number, Meeting> | null = null;

  /** Frames of this turn, written together. */
  readonly out: Uint8Array[] = [];
  outBytes = 0;

  constructor(handler: ConnectionHandler, socket: RelaySocket, group: string, now: number) {
    this.#handler = handler;
    this.socket = socket;
    this.group = group;
    this.since = now;
    this.heard = now;
  }

  receive(message: Uint8Array | null): void {
    this.#handler.receive(this, message);
  }

  ended(): void {
    this.#handler.ended(this);
  }

  /** The slot of a device that is ready. */
  get ready(): Slot {
    if (!this.slot || this.state !== 'ready') throw fail('relay.protocol', `not in state ${this.state}`);
    return this.slot;
  }
}
