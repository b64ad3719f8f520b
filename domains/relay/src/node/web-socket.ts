import { limits } from '@caponier/protocol';
import { type ServerOptions, WebSocket } from 'ws';
import type { Relay } from '../contract.ts';
import type { RelayLink, RelaySocket } from '../socket.ts';
import { type Reading, type Receiver, readWhole } from './read.ts';

/** Frames up to this size are copied together and written as one; larger ones are written as they are. */
const copyBelow = 16 * 1024;
/** Bytes of one copied write at most. */
const batchBytes = 128 * 1024;
/** Parts of one message at most: a frame of ours needs none. */
const maxFragments = 64;
/** Bytes that may wait for a peer before its pings go unanswered (RFC 6455 section 5.5.3 allows to answer the last only). */
const pongBelow = 16 * 1024;

/** How a WebSocket server for the relay must be set up: no compression, bounded messages, nothing answered unasked or kept twice. */
export const relayServerOptions = {
  noServer: true,
  perMessageDeflate: false,
  maxPayload: limits.maxFrameBytes,
  maxFragments,
  autoPong: false,
  // The relay keeps its connections itself; a second list and a closure for each would cost memory.
  clientTracking: false,
} as const satisfies ServerOptions & { maxFragments: number };

/** What ws keeps of its connection, and is used here: to write many frames in one go, and to read whole messages. */
interface Inside {
  readonly _receiver: Receiver;
  readonly _socket: {
    write(bytes: Uint8Array): boolean;
    cork(): void;
    uncork(): void;
    readonly writable: boolean;
    readonly writableLength: number;
  };
}

const state = Symbol('relay socket');
type Linked = WebSocket & { [state]?: WebSocketSocket };

/**
 * A connection over ws. Frames of one turn are framed here (RFC 6455 section 5.2: final, binary, unmasked) into one
 * buffer and one write: ws would make two writes a frame, and the system calls are what forwarding costs.
 */
class WebSocketSocket implements RelaySocket, Reading {
  readonly ws: WebSocket;
  link: RelayLink | undefined;
  owed = 0;
  begun: Uint8Array | null = null;

  constructor(ws: WebSocket) {
    this.ws = ws;
  }

  get #inside(): Inside {
    return this.ws as unknown as Inside;
  }

  get bufferedAmount(): number {
    return this.ws.bufferedAmount;
  }

  send(frames: readonly Uint8Array[]): void {
    const socket = this.#inside._socket;
    if (this.ws.readyState !== WebSocket.OPEN || !socket.writable) return;
    const waits = socket.writableLength > 0;
    let from = 0;
    let size = 0;
    let corked = false;
    for (let i = 0; i < frames.length; i++) {
      const length = frames[i]!.length;
      const small = length < copyBelow;
      if (!small || size + length > batchBytes) {
        if (!corked) {
          socket.cork();
          corked = true;
        }
        if (i > from) socket.write(gather(frames, from, i, size));
        from = i;
        size = 0;
      }
      if (small) {
        size += length + headerLength(length);
        continue;
      }
      const header = Buffer.allocUnsafe(headerLength(length));
      writeHeader(header, 0, length);
      socket.write(header);
      // A frame lies in the piece of network input that it came in, four times its size: what waits must not hold that.
      socket.write(waits ? new Uint8Array(frames[i]!) : frames[i]!);
      from = i + 1;
    }
    if (frames.length > from) socket.write(gather(frames, from, frames.length, size));
    if (corked) socket.uncork();
  }

  get unfinishedBytes(): number {
    const { _bufferedBytes, _messageLength, _numFragments, _state } = this.#inside._receiver;
    return _bufferedBytes + _messageLength + _numFragments + (_state === 0 ? 0 : 1);
  }

  close(code: number, reason = ''): void {
    this.ws.close(code, reason);
  }

  terminate(): void {
    this.ws.terminate();
  }
}

function headerLength(length: number): number {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10;
}

function writeHeader(into: Buffer, at: number, length: number): number {
  into[at] = 0x82;
  if (length < 126) {
    into[at + 1] = length;
    return at + 2;
  }
  if (length < 65_536) {
    into[at + 1] = 126;
    into[at + 2] = length >>> 8;
    into[at + 3] = length;
    return at + 4;
  }
  into[at + 1] = 127;
  into.writeUInt32BE(0, at + 2);
  into.writeUInt32BE(length, at + 6);
  return at + 10;
}

function gather(frames: readonly Uint8Array[], from: number, to: number, size: number): Buffer {
  const batch = Buffer.allocUnsafe(size);
  let at = 0;
  for (let i = from; i < to; i++) {
    const frame = frames[i]!;
    at = writeHeader(batch, at, frame.length);
    batch.set(frame, at);
    at += frame.length;
  }
  return batch;
}

// One function each for all connections: a closure a connection costs memory at 10,000 of them.
function onMessage(this: Linked, data: Uint8Array, isBinary: boolean): void {
  this[state]?.link?.receive(isBinary ? data : null);
}
function onPing(this: Linked, said: Buffer): void {
  if (this.bufferedAmount < pongBelow) this.pong(said);
}
function onClose(this: Linked): void {
  this[state]?.link?.ended();
}
// ws closes the connection itself, with 1002 or 1009; there is nothing to add.
function onError(): void {}

/** Gives a connection of ws to the relay. The server must have been made with `relayServerOptions`. */
export function acceptWebSocket(relay: Relay, ws: WebSocket, address: string): void {
  const linked = ws as Linked;
  const socket = new WebSocketSocket(ws);
  linked[state] = socket;
  linked.on('error', onError);
  socket.link = relay.handleSocket(socket, address);
  linked.on('message', onMessage);
  linked.on('ping', onPing);
  linked.on('close', onClose);
  readWhole((ws as unknown as Inside)._receiver, socket);
}
