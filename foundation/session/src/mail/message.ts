import { concat } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { Reader, u8, u32 } from '../bytes.ts';
import { initialBytes } from './agreement.ts';
import { maxMailPlaintext } from './limits.ts';

/**
 * One mail: `type (1) ‖ version (1) ‖ [initial (1152), type 1 only] ‖ nonce (12) ‖ sealed header (56) ‖ ciphertext`.
 * The relay sees neither the ratchet key nor the counters, so it cannot tell which mails belong together.
 */
export const typeInitial = 1;
export const typeOrdinary = 2;
const nonceBytes = 12;
const headerBytes = 32 + 4 + 4;
const tagBytes = 16;

export interface MailMessage {
  readonly type: number;
  readonly version: number;
  /** What began the session, repeated until the first answer; null in ordinary mail. */
  readonly initial: Uint8Array | null;
  readonly nonce: Uint8Array;
  readonly sealedHeader: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface Header {
  /** The sender's ratchet key of this chain. */
  readonly ratchetKey: Uint8Array;
  /** How many messages the sender's chain before this one had: what tells a lost last message apart from none. */
  readonly previousLength: number;
  /** This message's place in its chain. */
  readonly n: number;
}

export function encodeMessage(message: MailMessage): Uint8Array {
  return concat(
    u8(message.type),
    u8(message.version),
    ...(message.initial ? [message.initial] : []),
    message.nonce,
    message.sealedHeader,
    message.ciphertext,
  );
}

/** Throws `mail.bad_message`. The version is judged by whoever knows the session's. */
export function parseMessage(bytes: Uint8Array): MailMessage {
  const reader = new Reader(bytes, (detail) => fail('mail.bad_message', detail));
  const type = reader.u8();
  if (type !== typeInitial && type !== typeOrdinary) throw fail('mail.bad_message', 'unknown type');
  const version = reader.u8();
  const initial = type === typeInitial ? reader.take(initialBytes) : null;
  const nonce = reader.take(nonceBytes);
  const sealedHeader = reader.take(headerBytes + tagBytes);
  if (reader.rest < tagBytes || reader.rest > maxMailPlaintext + tagBytes)
    throw fail('mail.bad_message', `${reader.rest} bytes of ciphertext`);
  return { type, version, initial, nonce, sealedHeader, ciphertext: reader.take(reader.rest) };
}

export function encodeHeader(header: Header): Uint8Array {
  return concat(header.ratchetKey, u32(header.previousLength), u32(header.n));
}

/** From an opened header: exactly 40 bytes. */
export function parseHeader(bytes: Uint8Array): Header {
  const reader = new Reader(bytes, (detail) => fail('mail.bad_message', detail));
  const header = { ratchetKey: reader.take(32), previousLength: reader.u32(), n: reader.u32() };
  reader.end();
  return header;
}
