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

/** Where a relay is. */
export interface RelayAddress {
  readonly url: string;
  /** The pin of its certificate, where it is self-signed. */
  readonly pin?: string | undefined;
}

export interface WireListener {
  onFrame(frame: Frame): void;
  /** Once. `relay.disconnected` where nobody said why. */
  onClose(code: ErrorCode): void;
}

/** One connection to a relay, in frames. */
export interface Wire {
  send<N extends FrameName>(name: N, values: FrameInput<N>): void;
  close(code?: number): void;
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
  const end = (code: ErrorCode) => {
    if (over) return;
    over = true;
    listener.onClose(code);
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
    onClose: (code) => end(relayErrorOf(code)),
  });
  return {
    send: (name, values) => {
      if (!over) socket.send(encodeFrame(name, values));
    },
    close: (code = 1000) => socket.close(code),
  };
}
