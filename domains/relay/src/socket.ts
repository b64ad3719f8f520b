/** What the relay needs of a connection. A WebSocket is one (`node/web-socket.ts`); so is the simulator's. */
export interface RelaySocket {
  /** Sends whole frames, in order, in one write where it can. The frames are not changed or kept afterwards. */
  send(frames: readonly Uint8Array[]): void;
  /** Begins the closing handshake; frames sent before still go out. `reason` is ASCII, at most 123 bytes (RFC 6455 section 5.5). */
  close(code: number, reason?: string): void;
  /** Ends at once, and drops what waits. */
  terminate(): void;
  /** Bytes that wait for a peer which does not read. */
  readonly bufferedAmount: number;
  /** Bytes of a message that has begun and is not whole yet, where the transport can say. */
  readonly unfinishedBytes?: number;
}

/** What the relay is told about a connection. No closures: one of these a connection, and nothing else. */
export interface RelayLink {
  /** One message arrived. A message that is not binary is `null`. The relay may change the bytes. */
  receive(message: Uint8Array | null): void;
  /** The connection is gone. */
  ended(): void;
}
