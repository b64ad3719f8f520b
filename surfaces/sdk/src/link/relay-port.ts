import type { Verdict } from '@caponier/protocol';

/** What the modules here need of a relay connection; `src/relay` has it over a WebSocket, tests in memory. */

/** A mail as it was given out. It is acknowledged when the handler resolves, and comes again when it throws. */
export interface DeliveredMail {
  /** The sender's device key: the relay saw its proof, and a session inside the mail proves it again. */
  readonly from: Uint8Array;
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly body: Uint8Array;
}

/** Bytes in order, under credit, between two devices. */
export interface RelayStream {
  /** The other device's key. */
  readonly peer: Uint8Array;
  /** Resolves when there is credit for more. Throws `relay.*` once the stream is over. */
  send(body: Uint8Array): Promise<void>;
  /** Ends when the stream was closed without a fault; throws its code otherwise. */
  readonly messages: AsyncIterable<Uint8Array>;
  close(): void;
}

/** Two parties in a meeting. */
export interface RelayMeeting {
  send(body: Uint8Array): Promise<void>;
  /** Ends when the other party left in peace; throws `relay.meeting_over`, … */
  readonly messages: AsyncIterable<Uint8Array>;
  leave(): void;
}

export interface RelayPort {
  readonly state: 'connecting' | 'connected' | 'refused';
  onState(listener: (state: RelayPort['state']) => void): () => void;
  /**
   * Resolves when the relay keeps it durably, for `seconds` (0 or left out: as long as the relay likes). Throws
   * `relay.not_reachable`, `relay.mailbox_full`, `relay.storage_full`, `relay.disconnected`, …; see `toldToWait`.
   */
  sendMail(to: Uint8Array, id: Uint8Array, body: Uint8Array, seconds?: number): Promise<void>;
  /** One handler; mail comes one after another, each acknowledged when its handler resolves. */
  receiveMail(handler: (mail: DeliveredMail) => Promise<void>): void;
  openStream(peer: Uint8Array, purpose: number): Promise<RelayStream>;
  /** Whether to take a stream that comes: the handler gets it taken, or null to refuse. */
  acceptStreams(handler: (purpose: number, peer: Uint8Array) => ((stream: RelayStream) => void) | null): void;
  /** Opens a meeting under our admission; resolves when it is open. `met` resolves when the other party is there. */
  openMeeting(name: Uint8Array): Promise<{ readonly met: Promise<RelayMeeting>; leave(): void }>;
  /** Our prekeys, for others. */
  offer(statements: readonly string[]): Promise<void>;
  /** One-time prekeys that the relay still holds for us, as far as it has told; null before the first welcome. */
  readonly oneTimeLeft: number | null;
  /** One `prekeys` statement of that device, or null. */
  fetchPrekeys(device: Uint8Array): Promise<string | null>;
  /** Whether this owner's devices (its id, 32 bytes), or this device (its key), may reach us. A block beats every allow. */
  judge(who: 'owner' | 'device', id: Uint8Array, verdict: Verdict): Promise<void>;
  /** Statements that only remove authority. */
  tell(statements: readonly string[]): Promise<void>;
  start(): void;
  close(): void;
}

/** What a connection shows to be let in: asked for each time, since the chain grows. */
export interface RelayCredentials {
  /** Membership statements of the owner, with cosigns beside them, in order. */
  chain(): Promise<readonly string[]>;
  readonly ticket: string | null;
}
