import {
  decodeFrame,
  type ErrorCode,
  encodeFrame,
  entryOf,
  type Frame,
  type FrameInput,
  type FrameName,
  limits,
  relayErrorOf,
  relayNumberOf,
} from '@caponier/protocol';
import type { BinarySocket, Transport } from '../transport/types.ts';
import { RETRY_AFTER_MOST } from './limits.ts';

/** Where a relay is. */
export interface RelayAddress {
  readonly url: string;
  /** The pin of its certificate, where it is self-signed. */
  readonly pin?: string | undefined;
}

export interface WireListener {
  onFrame(frame: Frame): void;
  /** Once. `relay.disconnected` where nobody said why; `retryAfter`: seconds after which to come back, 0 where not said. */
  onClose(code: ErrorCode, retryAfter: number): void;
}

/** One connection to a relay, in frames. */
export interface Wire {
  send<N extends FrameName>(name: N, values: FrameInput<N>): void;
  close(code?: number): void;
}

/** When to come back, as a close of the relay says it. Whatever else its reason is, it is nothing. */
function retryAfterOf(reason: string): number {
  const [, seconds] = /^retry-after=(\d{1,5})$/.exec(reason) ?? [];
  return Math.min(Number(seconds ?? 0), RETRY_AFTER_MOST);
}

/**
 * Connects. What the relay sends is decoded here and nowhere else; whatever is not a frame of the table ends the
 * connection. Throws as `Transport.connect`.
 */
export async function openWire(
  transport: Transport,
  { url, pin }: RelayAddress,
  signal: AbortSignal,
  listener: WireListener,
): Promise<Wire> {
  let over = false;
  const end = (code: ErrorCode, retryAfter = 0) => {
    if (over) return;
    over = true;
    listener.onClose(code, retryAfter);
  };
  const socket: BinarySocket = await transport.connect(url, {
    ...(pin !== undefined && { pin }),
    signal,
    maxMessageBytes: limits.maxFrameBytes,
    onMessage: (message) => {
      if (over) return;
      try {
        listener.onFrame(decodeFrame(message, 'relay'));
      } catch (error) {
        const { code } = entryOf(error);
        socket.close(relayNumberOf(code));
        end(code);
      }
    },
    onClose: (code, reason) => end(relayErrorOf(code), retryAfterOf(reason)),
  });
  return {
    send: (name, values) => {
      if (!over) socket.send(encodeFrame(name, values));
    },
    close: (code = 1000) => socket.close(code),
  };
}
