import { Writable } from 'node:stream';
import { limits } from '@caponier/protocol';
import { WebSocket } from 'ws';
import type { RelayLink } from '../socket.ts';

/**
 * The short way in. ws reads a message by five steps of its own, an allocation each, and takes its mask off byte by byte:
 * of what it costs to forward 256 bytes that is more than half. So of a chunk from the socket, messages that are there
 * whole and plain (RFC 6455 section 5.2: final, binary, masked, within the limit, between no two parts of another) are
 * taken here. Everything else goes to ws, a frame at a time and as it came: parts, control frames, text, whatever is cut
 * off or wrong. ws stays the one that judges, buffers, refuses and closes.
 */

/** What ws keeps of reading. */
export interface Receiver extends Writable {
  /** 0 between frames. */
  readonly _state: number;
  /** Bytes that came and were not looked at: less than what comes next needs. */
  readonly _bufferedBytes: number;
  /** Bytes and number of the parts of a message whose last part is missing. */
  readonly _messageLength: number;
  readonly _numFragments: number;
  /** The kind of message of which parts were read; 0 for none. */
  readonly _fragmented: number;
  /** True once it has refused something: what comes after that is not looked at. */
  readonly _errored: boolean;
}

/** Where reading stands between two chunks. */
export interface Reading {
  readonly ws: WebSocket;
  link: RelayLink | undefined;
  /** Bytes that ws still needs for the frame of which it has a part; infinite once its length makes no sense. */
  owed: number;
  /** The beginning of a frame whose length cannot be told yet; ws has it, too. */
  begun: Uint8Array | null;
}

const reading = Symbol('reading');
type Read = Receiver & { [reading]: Reading };

/** The first byte of a final binary frame without extensions; the bit of a masked one. */
const wholeBinary = 0x82;
const masked = 0x80;
const maskBytes = 4;
/** Bytes of the longest header: two, a length of 64 bits, a mask. */
const longestHeader = 14;
/** Below it, words are not worth their setting up. */
const wordsFrom = 32;

const pass = Writable.prototype.write as (this: Writable, chunk: Uint8Array) => boolean;

/** Bytes from a frame's first to its body; 0 where they are not all there. */
function headerAt(bytes: Uint8Array, at: number): number {
  const left = bytes.length - at;
  if (left < 2) return 0;
  const length = bytes[at + 1]! & 0x7f;
  const mask = bytes[at + 1]! & masked ? maskBytes : 0;
  const header = (length < 126 ? 2 : length === 126 ? 4 : 10) + mask;
  return left < header ? 0 : header;
}

/** Bytes of a frame's body, its header being there; infinite above what any message may have. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const short = bytes[at + 1]! & 0x7f;
  if (short < 126) return short;
  if (short === 126) return (bytes[at + 2]! << 8) | bytes[at + 3]!;
  for (let i = 2; i < 6; i++) if (bytes[at + i] !== 0) return Number.POSITIVE_INFINITY;
  const length = new DataView(bytes.buffer, bytes.byteOffset + at + 6).getUint32(0);
  return length > limits.maxFrameBytes ? Number.POSITIVE_INFINITY : length;
}

const keyBytes = new Uint8Array(4);
const keyWord = new Int32Array(keyBytes.buffer);

/** Takes a mask off in place, by words where they are aligned. */
function unmask(bytes: Uint8Array, maskAt: number, from: number, to: number): void {
  let at = from;
  if (to - from >= wordsFrom) {
    for (; ((bytes.byteOffset + at) & 3) !== 0; at++) bytes[at]! ^= bytes[maskAt + ((at - from) & 3)]!;
    for (let i = 0; i < 4; i++) keyBytes[i] = bytes[maskAt + ((at - from + i) & 3)]!;
    const key = keyWord[0]!;
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (to - at) >> 2);
    for (let i = 0; i < words.length; i++) words[i]! ^= key;
    at += words.length << 2;
  }
  for (; at < to; at++) bytes[at]! ^= bytes[maskAt + ((at - from) & 3)]!;
}

/** Instead of the receiver's own `write`: what the socket of ws calls with each chunk. */
function write(this: Read, chunk: Uint8Array): boolean {
  const state = this[reading];
  let goesOn = true;
  let at = 0;
  if (state.owed > 0 || state.begun) {
    at = finish(state, chunk);
    goesOn = pass.call(this, chunk.subarray(0, at));
  }
  // After a refusal or a close frame nothing counts any more.
  while (at < chunk.length && !this._errored && !this.writableEnded) {
    const header = headerAt(chunk, at);
    if (header === 0) {
      state.begun = chunk.slice(at);
      return pass.call(this, chunk.subarray(at));
    }
    const length = lengthAt(chunk, at);
    const end = at + header + length;
    if (end > chunk.length) {
      state.owed = end - chunk.length;
      return pass.call(this, chunk.subarray(at));
    }
    const plain = chunk[at] === wholeBinary && (chunk[at + 1]! & masked) !== 0 && length <= limits.maxFrameBytes;
    if (plain && this._fragmented === 0 && state.ws.readyState === WebSocket.OPEN) {
      const body = at + header;
      unmask(chunk, body - maskBytes, body, end);
      state.link?.receive(new Uint8Array(chunk.buffer, chunk.byteOffset + body, length));
    } else {
      goesOn = pass.call(this, chunk.subarray(at, end));
    }
    at = end;
  }
  return goesOn;
}

/** How much of a chunk ws needs for the frame of which it has a part. */
function finish(state: Reading, chunk: Uint8Array): number {
  if (state.begun) {
    const known = state.begun.length;
    const joined = new Uint8Array(Math.min(longestHeader, known + chunk.length));
    joined.set(state.begun);
    joined.set(chunk.subarray(0, joined.length - known), known);
    const header = headerAt(joined, 0);
    if (header === 0) {
      state.begun = joined;
      return chunk.length;
    }
    state.begun = null;
    state.owed = header + lengthAt(joined, 0) - known;
  }
  const taken = Math.min(state.owed, chunk.length);
  state.owed -= taken;
  return taken;
}

/** Puts the short way before the receiver of ws. Without extensions a receiver does all its work within `write`. */
export function readWhole(receiver: Writable, state: Reading): void {
  Object.assign(receiver, { write, [reading]: state });
}
