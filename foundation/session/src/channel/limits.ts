/** Bytes of plaintext in one record: a Noise message less its tag (design section 6). */
export const maxRecordPlaintext = 65_519;
/** Flags and length before the ciphertext of each record. */
export const recordHeaderBytes = 3;
/** Bytes of a whole record. */
export const maxRecordBytes = recordHeaderBytes + maxRecordPlaintext + 16;
/** Records under one key, at most; the receiver counts too. */
export const maxRecordsPerKey = 65_536;
/** Milliseconds after which the sender takes a new key with its next record. */
export const maxKeyAgeMs = 10 * 60_000;
/** Bytes of each name bound into a channel. */
export const maxContextBytes = 512;
/** Bytes of one message that is split over records, unless the caller says otherwise. */
export const maxMessageBytes = 16 * 1024 * 1024;
