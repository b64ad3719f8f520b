import { type ErrorCode, fail } from '@caponier/protocol';
import { type Channel, MessageReader, sealMessage } from '@caponier/session';
import { piecesOf, RecordReader } from './records.ts';

/** Bytes of one message on a channel. */
const maxChannelMessage = 1024 * 1024;

/** An ordered carrier of bodies of at most 65,535 bytes: a stream, or a meeting. */
export interface Carrier {
  send(body: Uint8Array): Promise<void>;
  readonly messages: AsyncIterable<Uint8Array>;
  close(): void;
}

export interface DuplexOptions {
  /** Bytes of the largest message that is taken. */
  readonly maxBytes?: number;
  /** What a carrier that stops without the peer's last record is called. */
  readonly cut?: ErrorCode;
}

/** Messages over a channel over a carrier. */
export class MessageDuplex {
  readonly #channel: Channel;
  readonly #carrier: Carrier;
  readonly messages: AsyncIterable<Uint8Array>;
  /** One message after another: records of two must not mix, and each waits for credit. */
  #turn: Promise<unknown> = Promise.resolve();

  /** `bodies` is the carrier's own stream, from where the handshake left it. */
  constructor(
    channel: Channel,
    carrier: Carrier,
    bodies: AsyncIterator<Uint8Array>,
    { maxBytes = maxChannelMessage, cut = 'session.bad_record' }: DuplexOptions = {},
  ) {
    this.#channel = channel;
    this.#carrier = carrier;
    this.messages = read(channel, bodies, maxBytes, cut, () => carrier.close());
  }

  /** Waits while the peer does not read. Throws `session.closed`, `relay.*`. */
  send(message: Uint8Array): Promise<void> {
    return this.#inTurn(() => sealMessage(this.#channel, message));
  }

  end(): Promise<void> {
    return this.#inTurn(() => [this.#channel.end()]);
  }

  close(): void {
    this.#channel.close();
    this.#carrier.close();
  }

  #inTurn(seal: () => Uint8Array[]): Promise<void> {
    const sent = this.#turn.then(async () => {
      // Sealed and sent in one order: the peer's nonce counts what arrives.
      for (const record of seal()) for (const piece of piecesOf(record)) await this.#carrier.send(piece);
    });
    this.#turn = sent.catch(() => {});
    return sent;
  }
}

async function* read(
  channel: Channel,
  bodies: AsyncIterator<Uint8Array>,
  maxBytes: number,
  cut: ErrorCode,
  close: () => void,
): AsyncGenerator<Uint8Array, void, void> {
  const messages = new MessageReader(channel, maxBytes);
  const records = new RecordReader();
  try {
    for (let next = await bodies.next(); !next.done; next = await bodies.next()) {
      for (const record of records.push(next.value)) {
        const message = messages.open(record);
        if (message) yield message;
        else if (channel.peerEnded) return;
      }
    }
    // A stream that stops without the last record was cut by somebody between.
    throw fail(cut, 'the stream was cut');
  } finally {
    if (!channel.peerEnded) {
      channel.close();
      close();
    }
  }
}
