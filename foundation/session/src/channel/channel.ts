import { CaponierError, concat } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { empty } from '../bytes.ts';
import type { CipherState } from '../noise/cipher-state.ts';
import type { HandshakeResult } from '../noise/handshake-state.ts';
import { maxKeyAgeMs, maxRecordPlaintext, maxRecordsPerKey } from './limits.ts';
import { flagEnd, flagRekeyed, parseRecord, recordHeader } from './record.ts';

/**
 * A live session between two ends of an ordered stream: bytes in, records out, and back. Strict: a record that is
 * dropped, repeated, reordered or altered does not open, and one failure closes the channel for good.
 *
 * The end that answered the handshake knows that its peer is live only after the first record has opened.
 */
export class Channel {
  /** 32 bytes, the same at both ends and nowhere else. */
  readonly handshakeHash: Uint8Array;
  readonly #send: CipherState;
  readonly #receive: CipherState;
  readonly #clock: () => number;
  #sentUnderKey = 0;
  #receivedUnderKey = 0;
  #keyTakenAt: number;
  #ended = false;
  #peerEnded = false;
  #closed = false;

  /** From a finished handshake; `clock` gives milliseconds. */
  constructor(handshake: HandshakeResult, clock: () => number) {
    this.handshakeHash = handshake.handshakeHash;
    this.#send = handshake.send;
    this.#receive = handshake.receive;
    this.#clock = clock;
    this.#keyTakenAt = clock();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the peer said that nothing more comes. A stream that stops without this was cut. */
  get peerEnded(): boolean {
    return this.#peerEnded;
  }

  /** One record with at most 65,519 bytes of plaintext. Throws `session.too_large`, and `session.closed`. */
  seal(plaintext: Uint8Array): Uint8Array {
    if (plaintext.length > maxRecordPlaintext) throw fail('session.too_large', `${plaintext.length} bytes`);
    return this.#seal(plaintext, 0);
  }

  /** The last record this end sends; the other direction stays open. */
  end(): Uint8Array {
    const record = this.#seal(empty, flagEnd);
    this.#ended = true;
    return record;
  }

  /**
   * The plaintext of exactly one record, the next in order; empty for the peer's last. Throws `session.bad_record`
   * and closes, or `session.closed`.
   */
  open(record: Uint8Array): Uint8Array {
    if (this.#closed) throw fail('session.closed');
    try {
      return this.#open(record);
    } catch (error) {
      this.close();
      if (error instanceof CaponierError && error.code.startsWith('session.')) throw error;
      throw fail('session.bad_record', 'does not decrypt', error);
    }
  }

  /** Wipes the keys. */
  close(): void {
    this.#closed = true;
    this.#send.wipe();
    this.#receive.wipe();
  }

  #seal(plaintext: Uint8Array, purpose: number): Uint8Array {
    if (this.#closed || this.#ended) throw fail('session.closed');
    let flags = purpose;
    const now = this.#clock();
    if (this.#sentUnderKey >= maxRecordsPerKey || now - this.#keyTakenAt >= maxKeyAgeMs) {
      this.#send.rekey();
      this.#sentUnderKey = 0;
      this.#keyTakenAt = now;
      flags |= flagRekeyed;
    }
    const header = recordHeader(flags, plaintext.length + 16);
    const record = concat(header, this.#send.encrypt(header, plaintext));
    this.#sentUnderKey++;
    return record;
  }

  #open(bytes: Uint8Array): Uint8Array {
    const record = parseRecord(bytes);
    if (this.#peerEnded) throw fail('session.bad_record', 'a record after the last');
    if (record.flags & flagRekeyed) {
      this.#receive.rekey();
      this.#receivedUnderKey = 0;
    } else if (this.#receivedUnderKey >= maxRecordsPerKey) {
      throw fail('session.bad_record', 'the peer does not take a new key');
    }
    const plaintext = this.#receive.decrypt(record.header, record.ciphertext);
    this.#receivedUnderKey++;
    if (record.flags & flagEnd) {
      if (plaintext.length > 0) throw fail('session.bad_record', 'the last record is not empty');
      this.#peerEnded = true;
    }
    return plaintext;
  }
}
