import { concat } from '@caponier/crypto';
import { fail } from '@caponier/protocol';
import { u8, u16 } from '../bytes.ts';
import { maxRecordBytes, recordHeaderBytes } from './limits.ts';

/**
 * One record: `flags (1) ‖ length of the ciphertext (2) ‖ ciphertext`. The header is the associated data, so a bit
 * changed in it is noticed. No record number: the streams below are ordered, and the nonce counts on both sides.
 */
export const flagRekeyed = 1;
/** The sender's last record. Threat: a stream cut at the end looks finished; only this record says that it is. */
export const flagEnd = 2;

export interface Record {
  readonly flags: number;
  readonly header: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export function recordHeader(flags: number, ciphertextLength: number): Uint8Array {
  return concat(u8(flags), u16(ciphertextLength));
}

/** Exactly one record. Throws `session.bad_record`. */
export function parseRecord(bytes: Uint8Array): Record {
  if (bytes.length < recordHeaderBytes + 16 || bytes.length > maxRecordBytes)
    throw fail('session.bad_record', `${bytes.length} bytes`);
  const flags = bytes[0]!;
  const length = bytes[1]! * 256 + bytes[2]!;
  if (flags > (flagRekeyed | flagEnd)) throw fail('session.bad_record', 'unknown flags');
  if (length !== bytes.length - recordHeaderBytes) throw fail('session.bad_record', 'length does not match');
  return { flags, header: bytes.subarray(0, recordHeaderBytes), ciphertext: bytes.subarray(recordHeaderBytes) };
}
