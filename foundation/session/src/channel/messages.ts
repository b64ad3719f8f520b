import { concat } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { u32 } from '../bytes.ts';
import type { Channel } from './channel.ts';
import { maxMessageBytes, maxRecordPlaintext } from './limits.ts';

/** Messages of any size over records: `length (4) ‖ content`, each message beginning a record of its own. */
export function sealMessage(channel: Channel, message: Uint8Array): Uint8Array[] {
  if (message.length > 0xffff_ffff) throw fail('session.too_large', `${message.length} bytes`);
  const framed = concat(u32(message.length), message);
  const records: Uint8Array[] = [];
  for (let at = 0; at < framed.length; at += maxRecordPlaintext)
    records.push(channel.seal(framed.subarray(at, at + maxRecordPlaintext)));
  return records;
}

/** Puts messages together again. Memory follows what has arrived, never what a length claims. */
export class MessageReader {
  readonly #channel: Channel;
  readonly #maxBytes: number;
  #length = 0;
  #arrived = 0;
  #parts: Uint8Array[] | null = null;

  /** `maxBytes`: the largest message that is taken, 16 MiB unless given. */
  constructor(channel: Channel, maxBytes: number = maxMessageBytes) {
    this.#channel = channel;
    this.#maxBytes = maxBytes;
  }

  /**
   * Opens one record. The message when it is complete, else null: more records follow, or the peer has ended
   * (`channel.peerEnded`). Throws `session.too_large` or `session.bad_record`, and then the channel is closed.
   */
  open(record: Uint8Array): Uint8Array | null {
    const plaintext = this.#channel.open(record);
    try {
      if (this.#channel.peerEnded) {
        if (this.#parts) throw fail('session.bad_record', 'the peer ended inside a message');
        return null;
      }
      return this.#take(plaintext);
    } catch (error) {
      this.#channel.close();
      this.#parts = null;
      throw error;
    }
  }

  #take(plaintext: Uint8Array): Uint8Array | null {
    let content = plaintext;
    if (!this.#parts) {
      if (plaintext.length < 4) throw fail('session.bad_record', 'no message length');
      this.#length = new DataView(plaintext.buffer, plaintext.byteOffset).getUint32(0);
      if (this.#length > this.#maxBytes) throw fail('session.too_large', `${this.#length} bytes announced`);
      this.#parts = [];
      this.#arrived = 0;
      content = plaintext.subarray(4);
    }
    this.#arrived += content.length;
    if (this.#arrived > this.#length) throw fail('session.bad_record', 'longer than announced');
    this.#parts.push(content);
    // Full records until the last: one spelling, and no flood of tiny parts.
    if (this.#arrived < this.#length) {
      if (plaintext.length !== maxRecordPlaintext) throw fail('session.bad_record', 'a part is not full');
      return null;
    }
    const message = concat(...this.#parts);
    this.#parts = null;
    return message;
  }
}
